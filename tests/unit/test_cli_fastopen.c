/*
 * test_cli_fastopen.c - files of Fast Open: which keys are taken from one, and that a file of cookies comes back as it
 * was, is taken as a whole or not at all, and is never lost.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/fastopen.h"

#define TITLE "# Fast Open cookies of trivet, version 1: address, option, cookie, MSS, failures, not before\n"
#define COUNT(list) (sizeof(list) / sizeof((list)[0]))
#define NOW (10 * TV_S)

static const struct common quiet = {.verb = "test"};
static char path[] = "/tmp/trivet-test-XXXXXX";
static char file[64];

static int make_folder(void **state)
{
	(void)state;
	if (mkdtemp(path) == NULL) return -1;
	snprintf(file, sizeof file, "%s/cookies", path);
	return 0;
}

/* What is complained about is not for the eyes of who runs the tests. */
static int hush(void)
{
	int kept = dup(STDERR_FILENO);

	assert_true(kept >= 0);
	assert_int_equal(fflush(stderr), 0);
	int null = open("/dev/null", O_WRONLY);
	assert_true(null >= 0 && dup2(null, STDERR_FILENO) >= 0);
	close(null);
	return kept;
}

static void speak(int kept)
{
	fflush(stderr);
	dup2(kept, STDERR_FILENO);
	close(kept);
}

static int read_keys(const char *name, struct tv_stack *stack)
{
	int kept = hush();
	int status = fastopen_read_keys(&quiet, name, stack, NOW);

	speak(kept);
	return status;
}

static void load(struct fastopen_cache *cache, struct tv_stack *stack)
{
	int kept = hush();

	fastopen_load(&quiet, cache, stack, NOW);
	speak(kept);
}

static bool save(const struct fastopen_cache *cache, const struct tv_stack *stack)
{
	int kept = hush();
	bool fine = fastopen_save(&quiet, cache, stack);

	speak(kept);
	return fine;
}

static int drop_folder(void **state)
{
	(void)state;
	unlink(file);
	return rmdir(path); /* fails when something else was left there */
}

static void write_file(const char *text, size_t len)
{
	FILE *f = fopen(file, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	fclose(f);
}

static size_t read_file(char *text, size_t room)
{
	FILE *f = fopen(file, "r");

	assert_non_null(f);
	size_t len = fread(text, 1, room - 1, f);
	fclose(f);
	text[len] = 0;
	return len;
}

static struct tv_stack *new_stack(void)
{
	struct tv_config config;

	tv_config_default(&config);
	config.connections = config.half_opens = config.time_waits = 16;
	return stack_make(&quiet, &config, NOW);
}

static unsigned known(const struct tv_stack *stack)
{
	struct tv_fastopen_path p = {.size = sizeof p};
	uint64_t cursor = 0;
	unsigned n = 0;

	while (tv_fastopen_next(stack, &cursor, &p)) n++;
	return n;
}

/* ------------------------------------------------------------------------------------------ */

static void test_key_file_only_keys_are_taken(void **state)
{
	static const struct {
		const char *text;
		int status;
	} rows[] = {
		{"01234567-89abcdef-fedcba98-76543210\n", 0},
		{"0123456789abcdeffedcba9876543210", 0},
		{"net.ipv4.tcp_fastopen_key = 01234567-89abcdef-fedcba98-76543210\n", 0},
		{"net.ipv4.tcp_fastopen_key = 01234567-89abcdef-fedcba98-76543210,00000001-0-0-0\n", EXIT_USAGE},
		{" 01234567-89abcdef-fedcba98-76543210,01234567-89abcdef-fedcba98-76543211 \r\n", 0},
		{"", EXIT_USAGE}, {"\n", EXIT_USAGE}, {"a key\n", EXIT_USAGE},
		{"01234567-89abcdef-fedcba98-76543210\nmore\n", EXIT_USAGE},
		{"00000000-00000000-00000000-00000000\n", EXIT_USAGE},
		{"01234567-89abcdef-fedcba98-76543210,00000000-00000000-00000000-00000000\n", EXIT_USAGE},
	};
	struct tv_stack *stack = new_stack();
	char large[5000];

	(void)state;
	assert_non_null(stack);
	for (size_t i = 0; i < COUNT(rows); i++) {
		write_file(rows[i].text, strlen(rows[i].text));
		if (read_keys(file, stack) != rows[i].status) print_error("%s\n", rows[i].text);
		assert_int_equal(read_keys(file, stack), rows[i].status);
	}
	memset(large, '1', sizeof large);
	write_file(large, sizeof large);
	assert_int_equal(read_keys(file, stack), EXIT_USAGE);
	write_file("01234567-89abcdef-fedcba98-76543210\n\0", 37);
	assert_int_equal(read_keys(file, stack), EXIT_USAGE);
	assert_int_equal(read_keys(path, stack), EXIT_RIGHTS);
	assert_int_equal(read_keys("/tmp/trivet-test-none/none", stack), EXIT_RIGHTS);
}

/* ------------------------------------------------------------------------------------------ */

static void test_cache_comes_back_as_it_was(void **state)
{
	static const char text[] = TITLE
		"10.9.0.1 34 0123456789abcdef 1460 0 0\n"
		"10.9.0.7 254 01234567 0 0 0\n"
		"fd00:9::1 34 0123456789abcdef0123456789abcdef 1440 0 0\n"
		"fe80::1%2 34 0123456789ab 1440 0 0\n"
		"10.9.0.4 34 - 0 3 0\n";
	struct fastopen_cache cache = {.path = file};
	struct tv_stack *stack = new_stack();
	struct stat st;
	char got[2000];

	(void)state;
	write_file(text, sizeof text - 1);
	load(&cache, stack);
	assert_true(cache.whole);
	assert_int_equal(known(stack), 5);
	assert_true(save(&cache, stack));
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(read_file(got, sizeof got), sizeof text - 1);
	for (const char *line = text; *line; line = strchr(line, '\n') + 1) {
		char one[200];
		snprintf(one, sizeof one, "%.*s\n", (int)strcspn(line, "\n"), line);
		assert_non_null(strstr(got, one)); /* in any order */
	}
	assert_memory_equal(got, TITLE, sizeof TITLE - 1);
}

/* What a destination is left alone for goes on after the end of the program, and has an end. */
static void test_cache_backoff_is_bounded(void **state)
{
	static const char text[] = TITLE "10.9.0.4 34 0123456789abcdef 1460 255 4294967295\n";
	struct fastopen_cache cache = {.path = file};
	struct tv_stack *stack = new_stack();
	struct tv_fastopen_path p = {.size = sizeof p};
	uint64_t cursor = 0;

	(void)state;
	write_file(text, sizeof text - 1);
	load(&cache, stack);
	assert_true(tv_fastopen_next(stack, &cursor, &p));
	assert_true(p.backoff > 8 * 3600 * TV_S && p.backoff < 9 * 3600 * TV_S);
	assert_int_equal(p.failures, 255);
}

static void test_cache_bad_file_is_left_as_it_is(void **state)
{
	static const char *const bad[] = {
		"something else\n", "# Fast Open cookies of trivet, version 2\n",
		TITLE "10.9.0.1 34 0123456789abcdef 1460 0 0", TITLE "10.9.0.1 34 0123456789abcdef 1460 0\n",
		TITLE "10.9.0.1 34 0123456789abcdef 1460 0 0 0\n", TITLE "10.9.0 34 0123456789abcdef 1460 0 0\n",
		TITLE "10.9.0.1 35 0123456789abcdef 1460 0 0\n", TITLE "10.9.0.1 34 0123456789abcde 1460 0 0\n",
		TITLE "10.9.0.1 34 0123 1460 0 0\n", TITLE "10.9.0.1 34 012345678g 1460 0 0\n",
		TITLE "10.9.0.1 34 0123456789abcdef0123456789abcdef01 1460 0 0\n", TITLE "10.9.0.1 34 012345678a 1460 0 0\n",
		TITLE "10.9.0.1 34 0123456789abcdef 65536 0 0\n", TITLE "10.9.0.1 34 0123456789abcdef 1460 256 0\n",
		TITLE "10.9.0.1 34 0123456789abcdef 1460 0 4294967296\n", TITLE "10.9.0.1 34 - 1460 0 0\n",
		TITLE "10.9.0.1 254 - 1460 0 0\n",
		TITLE "fe80::1%256 34 0123456789abcdef 1460 0 0\n", TITLE "\n", TITLE TITLE,
		TITLE "10.9.0.1 34 0123456789abcdef 1460 0 0\n\033[2J\n",
		TITLE "10.9.0.1 34 0123456789abcdef 1460 0 0\n:: 34 0123456789abcdef 1460 0 0\n",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct fastopen_cache cache = {.path = file};
		struct tv_stack *stack = new_stack();
		char got[2000];

		write_file(bad[i], strlen(bad[i]));
		load(&cache, stack);
		if (cache.whole) print_error("%s\n", bad[i]);
		assert_false(cache.whole);
		assert_int_equal(known(stack), 0);
		assert_true(save(&cache, stack));
		assert_int_equal(read_file(got, sizeof got), strlen(bad[i]));
		assert_string_equal(got, bad[i]);
	}
}

static void test_cache_too_many_lines_are_refused(void **state)
{
	struct fastopen_cache cache = {.path = file};
	struct tv_stack *stack = new_stack();

	(void)state;
	for (unsigned lines = 128; lines <= 129; lines++) {
		FILE *f = fopen(file, "w");
		assert_non_null(f);
		fputs(TITLE, f);
		for (unsigned i = 0; i < lines; i++) fprintf(f, "10.9.1.%u 34 0123456789abcdef 1460 0 0\n", i);
		fclose(f);
		load(&cache, stack);
		assert_int_equal(cache.whole, lines == 128);
	}
}

static void test_cache_that_is_not_there_is_begun(void **state)
{
	struct fastopen_cache cache = {.path = file};
	struct tv_stack *stack = new_stack();
	char got[200];

	(void)state;
	unlink(file);
	load(&cache, stack);
	assert_true(cache.whole);
	assert_true(save(&cache, stack));
	read_file(got, sizeof got);
	assert_string_equal(got, TITLE);
	/* A folder that is not there: said, and no more. */
	cache.path = "/tmp/trivet-test-none/none";
	load(&cache, stack);
	assert_false(save(&cache, stack));
	/* Not a file. */
	cache.path = path;
	load(&cache, stack);
	assert_false(cache.whole);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_key_file_only_keys_are_taken),
		cmocka_unit_test(test_cache_comes_back_as_it_was),
		cmocka_unit_test(test_cache_backoff_is_bounded),
		cmocka_unit_test(test_cache_bad_file_is_left_as_it_is),
		cmocka_unit_test(test_cache_too_many_lines_are_refused),
		cmocka_unit_test(test_cache_that_is_not_there_is_begun),
	};

	return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
