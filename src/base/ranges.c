/*
 * ranges.c - an ordered set of disjoint ranges of sequence numbers, kept as a treap.
 *
 * Every node is a search tree by sequence number and a heap by priority. The priority is a keyed hash
 * of the node's number: whatever order a peer makes ranges come and go in, the tree's shape is that of
 * a random insertion order, and its depth some three times the logarithm of its size. No priority is
 * stored, and none is computed in a set of one range, which is what nearly every connection has.
 *
 * Sets are walked with parent links, never by recursion. `first` and `last` make the two ends free:
 * what is sent is appended behind the last, what is acknowledged removed at the first.
 *
 * Merging equal neighbours is the owner's business: lengths (and seq, as long as the order stays) may
 * be changed in place.
 */
#include "base/ranges.h"

uint32_t tv_ranges_find(const struct tv_ranges *r, struct tv_range_pool *p, uint8_t *region,
                        uint32_t seq)
{
	uint32_t i = r->root, best = 0;

	while (i != 0) {
		const struct tv_range *n = tv_range_at(p, region, i);

		p->steps++;
		if (seq_leq(n->seq + n->len, seq)) {
			i = n->right;
			continue;
		}
		best = i;
		if (seq_leq(n->seq, seq))
			break;
		i = n->left;
	}
	return best;
}

static uint32_t leftmost(const struct tv_range_pool *p, uint8_t *region, uint32_t i)
{
	uint32_t left;

	while ((left = tv_range_at(p, region, i)->left) != 0)
		i = left;
	return i;
}

static uint32_t rightmost(const struct tv_range_pool *p, uint8_t *region, uint32_t i)
{
	uint32_t right;

	while ((right = tv_range_at(p, region, i)->right) != 0)
		i = right;
	return i;
}

uint32_t tv_ranges_next(const struct tv_range_pool *p, uint8_t *region, uint32_t i)
{
	const struct tv_range *n = tv_range_at(p, region, i);
	uint32_t parent;

	if (n->right != 0)
		return leftmost(p, region, n->right);
	while ((parent = n->parent) != 0) {
		n = tv_range_at(p, region, parent);
		if (n->right != i)
			break;
		i = parent;
	}
	return parent;
}

uint32_t tv_ranges_prev(const struct tv_range_pool *p, uint8_t *region, uint32_t i)
{
	const struct tv_range *n = tv_range_at(p, region, i);
	uint32_t parent;

	if (n->left != 0)
		return rightmost(p, region, n->left);
	while ((parent = n->parent) != 0) {
		n = tv_range_at(p, region, parent);
		if (n->left != i)
			break;
		i = parent;
	}
	return parent;
}

/* What hangs at `parent` (0: the root) instead of `old` is now `i` (may be 0). */
static void hang(struct tv_ranges *r, const struct tv_range_pool *p, uint8_t *region,
                 uint32_t parent, uint32_t old, uint32_t i)
{
	if (parent == 0) {
		r->root = i;
	} else {
		struct tv_range *n = tv_range_at(p, region, parent);

		if (n->left == old)
			n->left = i;
		else
			n->right = i;
	}
	if (i != 0)
		tv_range_at(p, region, i)->parent = parent;
}

/* Exchanges i with its parent; the order of the set stays. */
static void rotate_up(struct tv_ranges *r, const struct tv_range_pool *p, uint8_t *region, uint32_t i)
{
	struct tv_range *n = tv_range_at(p, region, i);
	uint32_t above = n->parent, inner;
	struct tv_range *a = tv_range_at(p, region, above);

	hang(r, p, region, a->parent, above, i);
	if (a->left == i) {
		inner = n->right;
		n->right = above;
		a->left = inner;
	} else {
		inner = n->left;
		n->left = above;
		a->right = inner;
	}
	a->parent = i;
	if (inner != 0)
		tv_range_at(p, region, inner)->parent = above;
}

static void rise(struct tv_ranges *r, struct tv_range_pool *p, uint8_t *region, uint32_t i)
{
	uint32_t mine, parent = tv_range_at(p, region, i)->parent;

	if (parent == 0)
		return;
	mine = tv_range_priority(p, i);
	while (parent != 0 && tv_range_priority(p, parent) < mine) {
		p->steps++;
		rotate_up(r, p, region, i);
		parent = tv_range_at(p, region, i)->parent;
	}
}

/* Hangs the new node i, whose seq is set, on its place as a leaf under `parent`. */
static void add_leaf(struct tv_ranges *r, struct tv_range_pool *p, uint8_t *region, uint32_t i,
                     uint32_t parent)
{
	struct tv_range *n = tv_range_at(p, region, i);

	n->parent = parent;
	r->count++;
	if (parent == 0) {
		r->root = r->first = r->last = i;
		return;
	}
	if (seq_lt(n->seq, tv_range_at(p, region, parent)->seq)) {
		tv_range_at(p, region, parent)->left = i;
		if (r->first == parent)
			r->first = i;
	} else {
		tv_range_at(p, region, parent)->right = i;
		if (r->last == parent)
			r->last = i;
	}
	rise(r, p, region, i);
}

/* The node under which a new range at seq becomes a leaf. */
static uint32_t leaf_parent(const struct tv_ranges *r, struct tv_range_pool *p, uint8_t *region,
                            uint32_t seq)
{
	uint32_t i = r->root, parent = r->last;

	if (parent == 0 || seq_lt(tv_range_at(p, region, parent)->seq, seq))
		return parent;
	while (i != 0) {
		const struct tv_range *n = tv_range_at(p, region, i);

		p->steps++;
		parent = i;
		i = seq_lt(seq, n->seq) ? n->left : n->right;
	}
	return parent;
}

uint32_t tv_ranges_insert(struct tv_ranges *r, struct tv_range_pool *p, uint8_t *region,
                          uint32_t seq, uint32_t len)
{
	uint32_t i = tv_pool_take(&p->pool, region) + 1;
	struct tv_range *n;

	if (i == 0)
		return 0;
	n = tv_range_at(p, region, i);
	n->seq = seq;
	n->len = len;
	n->left = n->right = n->parent = 0;
	n->flags = 0;
	n->sent = 0;
	memset(&n->u, 0, sizeof n->u);
	if (TV_LIKELY(r->count == 0)) {
		*r = (struct tv_ranges){.root = i, .first = i, .last = i, .count = 1};
		return i;
	}
	add_leaf(r, p, region, i, leaf_parent(r, p, region, seq));
	return i;
}

void tv_ranges_remove(struct tv_ranges *r, struct tv_range_pool *p, uint8_t *region, uint32_t i)
{
	struct tv_range *n = tv_range_at(p, region, i);

	if (TV_LIKELY(r->count == 1)) {
		TV_ASSERT(r->root == i);
		*r = (struct tv_ranges){0};
		tv_pool_give(&p->pool, region, i - 1);
		return;
	}
	if (r->first == i)
		r->first = tv_ranges_next(p, region, i);
	if (r->last == i)
		r->last = tv_ranges_prev(p, region, i);
	/* Sinks until one side is empty: the child of higher priority goes up. */
	while (n->left != 0 && n->right != 0) {
		bool left = tv_range_priority(p, n->left) > tv_range_priority(p, n->right);

		p->steps++;
		rotate_up(r, p, region, left ? n->left : n->right);
	}
	hang(r, p, region, n->parent, i, n->left != 0 ? n->left : n->right);
	r->count--;
	tv_pool_give(&p->pool, region, i - 1);
}

void tv_ranges_clear(struct tv_ranges *r, struct tv_range_pool *p, uint8_t *region)
{
	uint32_t i = r->first;

	/* A slot given back keeps its bytes, so that the links can still be followed. */
	while (i != 0) {
		uint32_t next = tv_ranges_next(p, region, i);

		tv_pool_give(&p->pool, region, i - 1);
		i = next;
	}
	*r = (struct tv_ranges){0};
}

uint32_t tv_ranges_split(struct tv_ranges *r, struct tv_range_pool *p, uint8_t *region, uint32_t i,
                         uint32_t seq)
{
	uint32_t j = tv_pool_take(&p->pool, region) + 1;
	struct tv_range *left = tv_range_at(p, region, i);
	struct tv_range *right;

	if (j == 0)
		return 0;
	TV_ASSERT(seq - left->seq - 1 < left->len - 1);
	right = tv_range_at(p, region, j);
	*right = *left;
	right->seq = seq;
	right->len = left->len - (seq - left->seq);
	left->len = seq - left->seq;
	right->left = right->right = 0;
	add_leaf(r, p, region, j, left->right != 0 ? leftmost(p, region, left->right) : i);
	return j;
}
