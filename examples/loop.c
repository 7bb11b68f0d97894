/*
 * loop.c - two stacks in one program, with nothing between them: the whole interface at work. A
 * greeting goes one way, its echo comes back, and both close.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <trivet/trivet.h>

#define ADDRESS(host) {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, host}}

static struct tv_stack *make_stack(uint8_t host)
{
	struct tv_config config;
	struct tv_link_config link = {.size = sizeof link, .kind = TV_LINK_IP, .mtu = 1500};
	struct tv_addr address = ADDRESS(host);
	struct tv_stack *stack;
	size_t bytes;
	void *region;

	tv_config_default(&config);
	memset(config.secret, host, sizeof config.secret); /* a real program takes random bytes */
	config.connections = 16;
	bytes = tv_stack_size(&config);
	region = aligned_alloc(4096, bytes);
	if (region == NULL || tv_stack_init(memset(region, 0, bytes), bytes, &config, 0, &stack) != TV_OK)
		exit(1);
	tv_link_add(stack, 0, &link);
	tv_address_add(stack, 0, 0, &address, 96 + 24);
	return stack;
}

/* Carries packets both ways until nobody has anything to say. */
static void carry(struct tv_stack *a, struct tv_stack *b, tv_time now)
{
	static uint8_t bytes[1500 + 64];
	struct tv_packet p = {.data = bytes, .cap = sizeof bytes};
	struct tv_stack *from = a, *to = b, *other;
	unsigned quiet = 0;

	while (quiet < 2) {
		quiet = tv_output(from, now, TV_ANY_LINK, &p, 1) == 0 ? quiet + 1 : 0;
		if (quiet == 0)
			tv_input(to, now, &p, 1, NULL);
		other = from;
		from = quiet == 0 ? from : to;
		to = quiet == 0 ? to : other;
	}
}

int main(void)
{
	struct tv_stack *client = make_stack(1), *server = make_stack(2);
	struct tv_listen_config listen;
	struct tv_connect_config connect;
	tv_handle listener, c, s;
	char text[64];
	int64_t n;

	tv_listen_default(&listen);
	listen.port_first = listen.port_last = 7;
	tv_connect_default(&connect);
	connect.remote = (struct tv_endpoint){.addr = ADDRESS(2), .port = 7};
	if (tv_listen(server, 0, &listen, &listener) != TV_OK || tv_connect(client, 0, &connect, &c, NULL) != TV_OK)
		return 1;
	tv_send(client, 0, c, "Hello", 5, 0);
	carry(client, server, TV_MS);
	if (tv_accept(server, TV_MS, listener, &s) != TV_OK)
		return 1;
	n = tv_recv(server, TV_MS, s, text, sizeof text, 0);
	tv_send(server, TV_MS, s, text, (size_t)n, TV_SEND_FIN);
	carry(client, server, 2 * TV_MS);
	n = tv_recv(client, 2 * TV_MS, c, text, sizeof text, 0);
	printf("echoed: %.*s\n", (int)n, text);
	tv_release(client, 2 * TV_MS, c);
	tv_release(server, 2 * TV_MS, s);
	carry(client, server, 3 * TV_MS);
	return n == 5 && memcmp(text, "Hello", 5) == 0 ? 0 : 1;
}
