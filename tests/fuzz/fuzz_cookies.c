/*
 * fuzz_cookies.c - a file of Fast Open cookies from the input, as trivet connect --fastopen-cache reads it: it is
 * taken as a whole or not at all, what was taken is written so that it reads back the same, and what was not is
 * left as it is. The same bytes as a file of keys, too.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/address.h"
#include "cli/fastopen.h"

#define MUST(condition) ((condition) ? (void)0 : abort())
#define NOW (10 * TV_S)

enum { INPUT_MAX = 40000, PATHS = 128, REGION = 1 << 20 };

static const struct common common = {.verb = "connect"};
static char folder[64], written[80];

int LLVMFuzzerInitialize(int *argc, char ***argv);

static void drop_folder(void)
{
	unlink(written);
	rmdir(folder);
}

/* What is complained about is not wanted; libFuzzer has its own hold of the standard error. Where files are written
 * lies in memory, if this machine has such a place: each is flushed. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	stderr = fopen("/dev/null", "w");
	strcpy(folder, "/dev/shm/trivet-fuzz-XXXXXX");
	if (!mkdtemp(folder)) {
		strcpy(folder, "/tmp/trivet-fuzz-XXXXXX");
		MUST(mkdtemp(folder));
	}
	snprintf(written, sizeof written, "%s/cookies", folder);
	return stderr && atexit(drop_folder) == 0 ? 0 : 1;
}

static struct tv_stack *new_stack(uint8_t *region)
{
	struct tv_stack *stack;
	struct tv_config g;

	tv_config_default(&g);
	g.secret[0] = 1;
	g.connections = g.half_opens = g.time_waits = g.listeners = 1;
	g.pages = g.small_pages = g.ranges = g.replies = 8;
	g.side_records = 0;
	g.fastopen_paths = PATHS;
	memset(region, 0, REGION);
	MUST(tv_stack_size(&g) <= REGION && tv_stack_init(region, REGION, &g, NOW, &stack) == TV_OK);
	return stack;
}

static unsigned known(const struct tv_stack *stack, struct tv_fastopen_path list[PATHS])
{
	struct tv_fastopen_path p = {.size = sizeof p};
	uint64_t cursor = 0;
	unsigned n = 0;

	for (; tv_fastopen_next(stack, &cursor, &p); p.size = sizeof p) {
		MUST(n < PATHS && (p.cookie_len != 0 || p.failures != 0) && p.backoff <= 30720 * TV_S);
		list[n++] = p;
	}
	return n;
}

static const struct tv_fastopen_path *find(const struct tv_fastopen_path *list, unsigned n,
	const struct tv_fastopen_path *like)
{
	for (unsigned i = 0; i < n; i++)
		if (memcmp(&list[i].addr, &like->addr, sizeof like->addr) == 0 && list[i].zone == like->zone)
			return &list[i];
	return NULL;
}

static void must_be_same(const struct tv_fastopen_path *a, const struct tv_fastopen_path *b)
{
	MUST(b && a->cookie_len == b->cookie_len && memcmp(a->cookie, b->cookie, sizeof a->cookie) == 0);
	MUST(a->experimental == b->experimental && a->failures == b->failures && a->mss == b->mss);
	MUST((a->backoff == 0) == (b->backoff == 0) || a->backoff <= 2 * TV_S); /* the clock of this machine goes on */
}

/* A file is taken to its end: its last line is never the one that gave way to others, so its destination is known. */
static void look_for_last_line(char *text, const struct tv_fastopen_path *list, unsigned count)
{
	char *line, *end = strrchr(text, '\n');
	struct tv_addr addr;

	if (!end) {
		MUST(*text == 0 && count == 0);
		return;
	}
	MUST(end[1] == 0);
	*end = 0;
	line = strrchr(text, '\n');
	MUST((line != NULL) == (count != 0));
	if (!line)
		return;
	line += 1 + strspn(line + 1, " ");
	line[strcspn(line, " %")] = 0;
	MUST(address_read(line, &addr));
	while (count > 0 && memcmp(&list[count - 1].addr, &addr, sizeof addr) != 0)
		count--;
	MUST(count > 0);
}

static void write_back(const struct tv_stack *stack, uint8_t *region)
{
	static struct tv_fastopen_path before[PATHS], after[PATHS];
	struct fastopen_cache cache = {.path = written, .whole = true};
	unsigned n = known(stack, before);
	struct tv_stack *fresh;

	MUST(fastopen_save(&common, &cache, stack));
	fresh = new_stack(region);
	cache.whole = false;
	fastopen_load(&common, &cache, fresh, NOW);
	MUST(cache.whole && known(fresh, after) == n);
	for (unsigned i = 0; i < n; i++)
		must_be_same(&before[i], find(after, n, &before[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static uint8_t region[2][REGION] __attribute__((aligned(64)));
	static struct tv_fastopen_path list[PATHS];
	static char text[INPUT_MAX + 1];
	struct fastopen_cache cache;
	struct tv_stack *stack;
	char path[64];
	struct stat st;
	int fd;

	if (n > INPUT_MAX)
		return 0;
	fd = memfd_create("cookies", 0);
	MUST(fd >= 0 && write(fd, p, n) == (ssize_t)n);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	cache = (struct fastopen_cache){.path = path};
	stack = new_stack(region[0]);
	fastopen_load(&common, &cache, stack, NOW);
	if (cache.whole) {
		memcpy(text, p, n);
		text[n] = 0;
		look_for_last_line(text, list, known(stack, list));
		write_back(stack, region[1]);
	} else {
		MUST(known(stack, list) == 0 && fastopen_save(&common, &cache, stack));
	}
	(void)fastopen_read_keys(&common, path, stack, NOW);
	MUST(fstat(fd, &st) == 0 && st.st_size == (off_t)n);
	close(fd);
	return 0;
}
