/*
 * The reason why a script stopped: see fail.h.
 */
#include "fail.h"

#include <stdarg.h>
#include <stdio.h>

static void fill(struct fail *f, const char *format, va_list arguments)
{
	if (f->failed)
		return;
	f->failed = true;
	vsnprintf(f->text, sizeof(f->text), format, arguments);
}

bool fail_with(struct fail *f, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fill(f, format, arguments);
	va_end(arguments);
	return false;
}

bool fail_unsupported(struct fail *f, const char *format, ...)
{
	va_list arguments;

	if (!f->failed)
		f->unsupported = true;
	va_start(arguments, format);
	fill(f, format, arguments);
	va_end(arguments);
	return false;
}
