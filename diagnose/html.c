/*
 * html.c - the pages' frame, style and script.
 *
 * The script only hides and shows what is there: each arrow and note of a drawing, and each piece of a bar of
 * states, carries the number of its event (data-n), and the slider dims what comes later. What a
 * link cites (#s1e4) is made bold by the style alone.
 */
#include "diagnose/html.h"

#include <stdarg.h>
#include <string.h>

#include "diagnose/svg.h"

static const char style[] =
	":root{color-scheme:light dark;--ink:#1b1f24;--dim:#59636e;--paper:#fff;--edge:#d1d9e0;--soft:#f6f8fa;--link:#0a5fb0;"
	"--problem:#c4232f;--note:#0a5fb0;--fine:#1a7f37;--unknown:#8a5a00}\n"
	"@media (prefers-color-scheme:dark){:root{--ink:#e6edf3;--dim:#9da7b1;--paper:#0d1117;--edge:#30363d;"
	"--soft:#161b22;--link:#6cb6ff;--problem:#ff7b72;--note:#6cb6ff;--fine:#4ac26b;--unknown:#e0b040}}\n"
	"*{box-sizing:border-box}body{margin:0 auto;padding:16px;max-width:640px;background:var(--paper);color:var(--ink);"
	"font:16px/1.5 system-ui,-apple-system,'Segoe UI',sans-serif;overflow-wrap:anywhere}\n"
	"h1{font-size:1.5em;line-height:1.25}h2{font-size:1.15em;line-height:1.3;margin:2em 0 .5em}a{color:var(--link)}\n"
	"figure{margin:0 0 .5em;border:1px solid var(--edge);border-radius:6px;padding:8px 0 0;overflow:hidden}"
	"figure svg{display:block;width:100%;height:auto}\n"
	".time{display:flex;flex-wrap:wrap;gap:4px 12px;align-items:center;padding:8px 12px;background:var(--soft);"
	"border-top:1px solid var(--edge)}.time[hidden]{display:none}.time input{flex:1 1 100%;min-width:0}"
	".time output{display:flex;flex:1;justify-content:space-between;gap:8px;flex-wrap:wrap;font-size:13px;"
	"font-variant-numeric:tabular-nums}.time b{font-weight:600}\n"
	"svg .later{opacity:.1}details{font-size:13px;margin:.5em 0}summary{cursor:pointer;color:var(--dim)}"
	"ol.packets{padding-left:0;list-style:none;margin:.5em 0;font-family:ui-monospace,monospace;font-size:12px}"
	"ol.packets li{padding:2px 0;border-bottom:1px solid var(--edge)}\n"
	"svg .packet:target line{stroke-width:3.5}svg .packet:target .label{font-weight:700}"
	"li:target{background:var(--soft)}.dim{color:var(--dim);font-size:14px}\n"
	".finding{border-left:4px solid var(--c);padding-left:12px;margin:1.5em 0}.finding h2{margin-top:0}"
	".problem{--c:var(--problem)}.note-s{--c:var(--note)}.ok{--c:var(--fine)}.unknown{--c:var(--unknown)}"
	".word{color:var(--c);font-weight:700}table{border-collapse:collapse;font-size:14px}td,th{padding:2px 10px 2px 0;"
	"text-align:left;vertical-align:top;overflow-wrap:normal}pre{overflow-x:auto;font-size:12px;line-height:1.35;background:var(--soft);padding:8px;"
	"border-radius:6px}\n"
	"@media (max-width:480px){body{padding:12px 8px}.finding{padding-left:8px}figure{border-left:0;border-right:0;"
	"border-radius:0;margin-left:-8px;margin-right:-8px}}\n"
	"@media print{:root{--ink:#000;--dim:#333;--paper:#fff;--soft:#fff;--link:#000}body{max-width:none;font-size:11pt}"
	".time,details:not([open]){display:none}svg .later{opacity:1}figure{max-width:11cm;break-inside:avoid;break-after:avoid}"
	"h2{break-after:avoid}p,tr,table{break-inside:avoid}}\n";

static const char script[] =
	"document.querySelectorAll('figure').forEach(function(f){\n"
	"var t=f.querySelector('.time');if(!t)return;var i=t.querySelector('input'),o=t.querySelectorAll('output span');\n"
	"var g=[].slice.call(f.querySelectorAll('g[data-n]')).sort(function(a,b){return a.dataset.n-b.dataset.n});\n"
	"var all=f.querySelectorAll('[data-n]');\n"
	"function show(){var v=+i.value,last=v?+g[v-1].dataset.n:-1;\n"
	"all.forEach(function(e){e.classList.toggle('later',+e.dataset.n>last)});\n"
	"o[0].textContent=state('l');o[1].textContent=v===g.length?'all of it':v+' of '+g.length;"
	"o[2].textContent=state('r')}\n"
	"function state(side){var s='?';f.querySelectorAll('.state.'+side).forEach(function(e){"
	"if(!e.classList.contains('later'))s=e.textContent});return s}\n"
	"i.max=g.length;i.value=g.length;i.addEventListener('input',show);t.hidden=false;show()});\n";

static void sink(void *user, const char *text, size_t len)
{
	fwrite(text, 1, len, user);
}

void html_text(struct html *page, const char *text)
{
	svg_escape(text, sink, page->out);
}

void html_raw(struct html *page, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(page->out, format, args);
	va_end(args);
}

void html_element(struct html *page, const char *tag, const char *text)
{
	fprintf(page->out, "<%s>", tag);
	html_text(page, text);
	fprintf(page->out, "</%s>\n", tag);
}

void html_begin(struct html *page, const char *title, const char *about)
{
	fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
	      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n", page->out);
	html_element(page, "title", title);
	fprintf(page->out, "<style>\n%s%s</style>\n", style, svg_css());
	html_element(page, "h1", title);
	html_element(page, "p", about);
}

/* ------------------------------------------------------------------------------------------ */
/* A scene                                                                                     */

struct lines {
	struct html *page;
	size_t column;
};

/* A piece of a line, escaped; the lines become the items of a list. */
static void line_sink(void *user, const char *text, size_t len)
{
	struct lines *l = user;

	for (size_t i = 0; i < len; i++) {
		char c[2] = {text[i], 0};

		if (l->column++ == 0)
			fputs("<li>", l->page->out);
		if (text[i] != '\n') {
			html_text(l->page, c);
			continue;
		}
		fputs("</li>\n", l->page->out);
		l->column = 0;
	}
}

static void put_packets(struct html *page, const struct ladder *l)
{
	struct lines lines = {.page = page};

	fputs("<details>\n<summary>The packets, one a line</summary>\n<ol class=\"packets\">\n", page->out);
	ladder_lines(l, line_sink, &lines);
	fputs("</ol>\n</details>\n", page->out);
}

void html_scene(struct html *page, const char *title, const struct ladder *l, const struct svg_style *given,
	const char *text)
{
	struct svg_style how = given ? *given : (struct svg_style){.bare = false};

	how.alone = false;
	how.scene = ++page->scene;
	if (*title)
		html_element(page, "h2", title);
	fputs("<figure>\n", page->out);
	if (!svg_ladder(l, &how, sink, page->out))
		page->short_of_memory = true;
	fprintf(page->out,
		"<div class=\"time\" hidden><input type=\"range\" min=\"0\" "
		"aria-label=\"Time\"><output><span></span><b><span></span></b><span></span></output></div>\n"
		"</figure>\n");
	if (*text)
		html_element(page, "p", text);
	put_packets(page, l);
}

bool html_end(struct html *page)
{
	fprintf(page->out, "<script>\n%s</script>\n</html>\n", script);
	return fflush(page->out) == 0 && !ferror(page->out) && !page->short_of_memory;
}
