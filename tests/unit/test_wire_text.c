/* Numbers and addresses as text, compared with the C library's own. */
#include "wire_packet.h"
#include <arpa/inet.h>
#include "wire/text.h"

/* RFC 5952, as inet_ntop() of the C library has it */
static void test_text_addr_random_addresses_equal_inet_ntop(void **state)
{
	(void)state;
	for (int round = 0; round < 100000; round++) {
		struct tv_addr a;
		char out[64], wanted[64];
		struct tv_text t = tv_text_start(out, sizeof out);
		uint32_t zeros = next_random();

		for (unsigned i = 0; i < 16; i++)
			a.b[i] = zeros >> i / 2 & 1
				? 0
				: (uint8_t)(next_random() % (round % 2 ? 256 : 3));
		if (round % 50 == 0) a = tv_addr_v4(a.b[0], a.b[1], a.b[2], a.b[3]);
		if (tv_addr_is_v4(&a))
			inet_ntop(AF_INET, a.b + 12, wanted, sizeof wanted);
		else
			inet_ntop(AF_INET6, a.b, wanted, sizeof wanted);
		tv_text_addr(&t, &a);
		assert_string_equal(out, wanted);
	}
}

static void test_text_numbers_equal_printf(void **state)
{
	static const uint64_t numbers[] = {
		0, 1, 9, 10, 99, 100, 65535, 4294967295u, 4294967296, UINT64_MAX};

	(void)state;
	for (size_t i = 0; i < COUNT(numbers); i++) {
		for (unsigned digits = 1; digits <= 16; digits++) {
			char out[64], wanted[64];
			struct tv_text t = tv_text_start(out, sizeof out);

			snprintf(wanted, sizeof wanted, "%llu %0*llx",
				(unsigned long long)numbers[i], (int)digits,
				(unsigned long long)numbers[i]);
			tv_text_uint(&t, numbers[i]);
			tv_text_char(&t, ' ');
			tv_text_hex(&t, numbers[i], digits);
			assert_string_equal(out, wanted);
		}
	}
}

static void test_text_mac_has_six_pairs(void **state)
{
	static const uint8_t mac[6] = {0x02, 0x00, 0x5e, 0x10, 0xff, 0x01};
	char out[32];
	struct tv_text t = tv_text_start(out, sizeof out);

	(void)state;
	tv_text_mac(&t, mac);
	assert_string_equal(out, "02:00:5e:10:ff:01");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text_addr_random_addresses_equal_inet_ntop),
		cmocka_unit_test(test_text_numbers_equal_printf),
		cmocka_unit_test(test_text_mac_has_six_pairs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
