/*
 * trivet-script FILE...: the command line.  This version reads scripts and says whether their
 * form is right.
 *
 * Exit status: 0 all passed, 1 something failed, 2 usage, 3 a file could not be read.
 */
#include "script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Returns the whole file, or NULL with a message printed. */
static char *load(const char *path, size_t *length)
{
	FILE *file = fopen(path, "rb");
	char *text = NULL;
	size_t room = 0;

	if (file == NULL) {
		perror(path);
		return NULL;
	}
	*length = 0;
	do {
		room = room * 2 + 65536;
		char *more = realloc(text, room);
		if (more == NULL) {
			perror(path);
			exit(3);
		}
		text = more;
		*length += fread(text + *length, 1, room - *length, file);
	} while (*length == room);
	if (ferror(file)) {
		perror(path);
		free(text);
		text = NULL;
	}
	fclose(file);
	return text;
}

int main(int argc, char **argv)
{
	unsigned passed = 0;
	unsigned failed = 0;

	for (int i = 1; i < argc; i++) {
		size_t length;
		char *text = load(argv[i], &length);
		if (text == NULL)
			return 3;
		struct script script;
		struct script_error error;
		if (script_read(&script, argv[i], text, length, NULL, &error)) {
			passed++;
		} else {
			printf("%s:%d: %s\n", argv[i], error.line, error.text);
			failed++;
		}
		script_free(&script);
		free(text);
	}
	printf("%u passed, %u failed\n", passed, failed);
	return failed == 0 ? 0 : 1;
}
