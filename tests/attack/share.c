/*
 * share.c - receivers that want more than their share: ACK division, optimistic ACKs, forged echoes, windows.
 */
#include "attack.h"

static struct lab *sender(bool ts)
{
	struct lab *l = lab_new(NULL, false);

	l->syn.has = TV_OPT_HAS_MSS | (ts ? TV_OPT_HAS_TS : 0);
	lab_passive(l);
	lab_set(l, TV_OPT_SND_BUF, 1u << 20);
	lab_send(l, 500000, 0);
	return l;
}

static void cc_01(struct attack *a)
{
	struct lab *l = sender(false);
	uint32_t before = lab_info(l).cwnd, acked = 0, cwnd;

	for (unsigned i = 0; i < 1460; i++) { /* one segment, octet by octet */
		l->ack++;
		acked++;
		TOSS(l, .flags = TV_ACK);
	}
	cwnd = lab_info(l).cwnd;
	measured(a, cwnd - before <= acked, "cwnd grew by %u for %u bytes in 1460 ACKs", cwnd - before, acked);
}

static void cc_03(struct attack *a)
{
	uint64_t moved = 0, n = a->quick ? 10000 : 100000, random = 1;
	struct lab *l = sender(false);
	struct tv_info before = lab_info(l);
	struct said s = {0};

	for (uint64_t i = 0; i < n; i++) {
		struct tv_info now;

		TOSS(l, .flags = TV_ACK,
			.ack_off = (int32_t)(before.snd_nxt - l->ack + 1 + lab_random(&random) % 1000000));
		now = lab_info(l);
		moved += now.snd_una != before.snd_una || now.cwnd != before.cwnd || now.snd_nxt != before.snd_nxt;
		hear(l, &s);
	}
	measured(a, moved == 0 && s.with_text == 0, "%llu of %llu ACKs of what was not sent moved the state",
		(unsigned long long)moved, (unsigned long long)n);
	measured(a, lab_info(l).bytes_in_flight <= lab_info(l).cwnd, "%u bytes in flight of a window of %u",
		lab_info(l).bytes_in_flight, lab_info(l).cwnd);
}

static void cc_07(struct attack *a)
{
	uint32_t least = UINT32_MAX, most = 0, srtt = 0;
	struct lab *l = sender(true);
	uint64_t random = 1;

	for (unsigned i = 0; i < 300; i++) {
		struct tv_tcp_options o = {.has = TV_OPT_HAS_TS, .ts_val = l->tsval};
		struct tv_info info;

		l->now += 20 * TV_MS;
		o.ts_ecr = i % 3 == 0 ? 0 : lab_random(&random) << 1;
		l->ack += 100;
		SAY(l, .flags = TV_ACK, .opt = &o);
		info = lab_info(l);
		least = info.rto_us < least ? info.rto_us : least;
		most = info.rto_us > most ? info.rto_us : most;
		srtt = info.srtt_us > srtt ? info.srtt_us : srtt;
	}
	measured(a, least >= 200000 && most <= 120000000, "RTO from %.1f s to %.1f s", least / 1e6, most / 1e6);
	measured(a, srtt <= 300 * 20000, "SRTT at most %.3f s", srtt / 1e6);
}

static void cc_08(struct attack *a)
{
	struct lab *l = sender(false);
	uint32_t beyond = 0, first = l->ack;

	for (unsigned i = 0; i < 2000 && l->ack - first < 400000; i++) {
		bool open = i % 2 == 0;
		uint32_t edge = l->ack + 65535;

		for (unsigned k = 0; k < l->count; k++) {
			const struct tv_segment *s = &l->heard[k].seg;

			beyond += seq_gt(s->seq + s->len, edge);
			if (s->len != 0 && s->seq == l->ack)
				l->ack += s->len;
		}
		l->now += 10 * TV_MS;
		SAY(l, .flags = TV_ACK, .wnd_set = true, .wnd = open ? 65535 : 0);
		if (l->count == 0)
			lab_wait(l, 300 * TV_MS);
	}
	measured(a, beyond == 0, "%u segments beyond the right edge", beyond);
	measured(a, l->ack - first >= 400000, "%u bytes got through", l->ack - first);
}

static void cc_09(struct attack *a)
{
	struct lab *l = lab_new(NULL, false);
	uint64_t tiny = 0, text = 0;
	uint32_t first;

	lab_passive(l);
	l->wnd = 2000;
	SAY(l, .flags = TV_ACK, .len = 1);
	first = l->ack;
	lab_send(l, 20000, 0);
	for (unsigned i = 0; i < 3000; i++) { /* takes all, and opens the window one octet at a time */
		for (unsigned k = 0; k < l->count; k++) {
			const struct tv_segment *s = &l->heard[k].seg;

			text += s->len != 0;
			tiny += s->len != 0 && s->len < 1000;
			if (s->len != 0 && s->seq == l->ack) {
				l->ack += s->len;
				l->wnd = (uint16_t)(l->wnd - s->len);
			}
		}
		l->wnd++;
		l->now += TV_MS;
		SAY(l, .flags = TV_ACK);
	}
	measured(a, tiny <= 16, "%llu of %llu segments below half the largest window, for %u bytes",
		(unsigned long long)tiny, (unsigned long long)text, l->ack - first);
}

const struct attack_case attack_share[] = {
	{"CC-01", cc_01},
	{"CC-03", cc_03},
	{"CC-07", cc_07},
	{"CC-08", cc_08},
	{"CC-09", cc_09},
	{NULL, NULL},
};
