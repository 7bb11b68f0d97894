/*
 * lab_show.c - prints what an experiment has shown: text, lines, JSON, or a scene of a page.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli/address.h"
#include "cli/experiments/lab.h"

/* Between two scenes, in virtual time. */
#define PAUSE (300 * TV_S)

void lab_note(struct lab *lab, unsigned about, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	(void)ladder_note(lab->ladder, lab_now(lab), about, text);
}

static void add_sentence(struct lab *lab, const char *text)
{
	size_t at = strlen(lab->sentences);

	snprintf(lab->sentences + at, sizeof lab->sentences - at, "%s%s", at ? " " : "", text);
}

void lab_claim(struct lab *lab, bool holds, const char *format, ...)
{
	char text[768];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	add_sentence(lab, text);
	json_array_append_new(lab->claims, json_pack("{s:s,s:b}", "text", text, "holds", holds));
	if (!holds && !lab->trouble)
		lab->trouble = "what it wants to show did not happen";
	if (!holds)
		complain(&lab->show->demo->common, "this did not hold: %s", text);
}

void lab_tell(struct lab *lab, const char *text)
{
	add_sentence(lab, text);
}

static void to_stdout(void *user, const char *text, size_t len)
{
	(void)user;
	fwrite(text, 1, len, stdout);
}

static void add_json(struct lab *lab, bool ok)
{
	json_t *o = json_pack("{s:s,s:s,s:b,s:s}", "experiment", lab->show->experiment->name, "scene", lab->setup->title,
		"ok", ok, "sentence", lab->sentences);
	json_t *ends = json_array();

	for (unsigned i = 0; i < 2; i++) {
		enum tv_state state = lab_shown(lab, i);

		json_array_append_new(ends, json_pack("{s:s,s:s,s:s}", "name", ladder_end_name(lab->ladder, i), "address",
			ladder_end_address(lab->ladder, i), "state", state == LADDER_UNKNOWN ? "unknown" : tv_state_name(state)));
	}
	json_object_set_new(o, "ends", ends);
	json_object_set(o, "claims", lab->claims);
	if (lab->table)
		json_object_set(o, "table", lab->table);
	json_object_set_new(o, "events", events_json(lab->ladder));
	json_array_append_new(lab->show->demo->scenes, o);
}

static void print_text(struct lab *lab)
{
	const struct common *c = &lab->show->demo->common;
	struct ladder_style style = {.ascii = c->ascii, .color = c->color};

	printf("%s%s%s\n\n", c->color ? "\033[1;4m" : "", lab->setup->title, c->color ? "\033[m" : "");
	if (lab->print)
		lab->print(lab);
	else
		ladder_print(lab->ladder, &style, to_stdout, NULL);
	putchar('\n');
	if (lab->below) {
		lab->below(lab);
		putchar('\n');
	}
	if (!lab->sentences[0])
		return;
	print_wrapped(stdout, lab->sentences);
	putchar('\n');
}

static void name_ends(struct lab *lab)
{
	static const char *const names[2] = {"Client", "Server"};
	char text[ENDPOINT_TEXT];

	for (unsigned side = 0; side < 2; side++)
		ladder_end(lab->ladder, side, lab->setup->name[side] ? lab->setup->name[side] : names[side],
			endpoint_text(&lab->at[side], text));
}

void lab_end(struct lab *lab)
{
	struct show *show = lab->show;
	const struct common *c = &show->demo->common;

	name_ends(lab);
	if (lab->trouble) {
		show->demo->failed = true;
		complain(c, "%s: %s", lab->setup->title, lab->trouble);
	}
	if (lab->hidden) {
		/* Another scene is wanted. */
	} else if (c->json) {
		add_json(lab, !lab->trouble);
	} else if (show->demo->lines) {
		ladder_lines(lab->ladder, to_stdout, NULL);
		if (!c->quiet)
			putchar('\n');
	} else {
		print_text(lab);
	}
	if (show->page && !lab->hidden) {
		html_scene(show->page, lab->setup->title, lab->ladder, &lab->style, lab->sentences);
		if (lab->page)
			lab->page(lab, show->page);
	}
	show->start = lab_now(lab) + PAUSE;
	network_free(lab->net);
	ladder_free(lab->ladder);
	json_decref(lab->claims);
	json_decref(lab->table);
}
