/* Names for people: one for each number of each enum, none twice, "?" outside. */
#include "wire_packet.h"

static void check_list(const char *(*name)(int i), int count, bool unique)
{
	for (int i = 0; i < count; i++) {
		assert_non_null(name(i));
		assert_true(strlen(name(i)) > 1);
		for (int j = 0; unique && j < i; j++) assert_string_not_equal(name(i), name(j));
	}
	assert_string_equal(name(count), "?");
	assert_string_equal(name(-1), "?");
	assert_string_equal(name(100000), "?");
}

static const char *state_name(int i) { return tv_state_name((enum tv_state)i); }
static const char *verdict_name(int i) { return tv_verdict_name((enum tv_verdict)i); }
static const char *verdict_text(int i) { return tv_verdict_text((enum tv_verdict)i); }
static const char *reason_name(int i) { return tv_reason_name((enum tv_reason)i); }
static const char *reason_text(int i) { return tv_reason_text((enum tv_reason)i); }
static const char *fastopen_name(int i) { return tv_fastopen_name((enum tv_fastopen)i); }
static const char *fastopen_text(int i) { return tv_fastopen_text((enum tv_fastopen)i); }

static void test_names_every_number_has_one_and_others_have_none(void **state)
{
	(void)state;
	check_list(state_name, TV_STATE_COUNT, true);
	check_list(verdict_name, TV_VERDICT_COUNT, true);
	check_list(verdict_text, TV_VERDICT_COUNT, true);
	check_list(reason_name, TV_REASON_COUNT, true);
	check_list(reason_text, TV_REASON_COUNT, true);
	check_list(fastopen_name, TV_FASTOPEN_COUNT, true);
	check_list(fastopen_text, TV_FASTOPEN_COUNT, true);
}

/* RFC 9293 3.3.2 spells them so. */
static void test_names_states_are_spelt_as_the_rfc_does(void **state)
{
	(void)state;
	assert_string_equal(tv_state_name(TV_CLOSED), "CLOSED");
	assert_string_equal(tv_state_name(TV_LISTEN), "LISTEN");
	assert_string_equal(tv_state_name(TV_SYN_SENT), "SYN-SENT");
	assert_string_equal(tv_state_name(TV_SYN_RECEIVED), "SYN-RECEIVED");
	assert_string_equal(tv_state_name(TV_ESTABLISHED), "ESTABLISHED");
	assert_string_equal(tv_state_name(TV_FIN_WAIT_1), "FIN-WAIT-1");
	assert_string_equal(tv_state_name(TV_FIN_WAIT_2), "FIN-WAIT-2");
	assert_string_equal(tv_state_name(TV_CLOSE_WAIT), "CLOSE-WAIT");
	assert_string_equal(tv_state_name(TV_CLOSING), "CLOSING");
	assert_string_equal(tv_state_name(TV_LAST_ACK), "LAST-ACK");
	assert_string_equal(tv_state_name(TV_TIME_WAIT), "TIME-WAIT");
	assert_string_equal(tv_verdict_name(TV_V_RST_INEXACT), "RST_INEXACT");
	assert_string_equal(tv_reason_name(TV_R_REFUSED), "REFUSED");
}

static void test_names_errors_have_texts(void **state)
{
	(void)state;
	assert_string_equal(tv_error_text(TV_OK), "no error");
	assert_string_equal(tv_error_text(7), "no error");
	for (int error = TV_ENOTPERM; error < 0; error++) {
		assert_true(strlen(tv_error_text(error)) > 5);
		for (int other = error + 1; other <= 0; other++)
			assert_string_not_equal(tv_error_text(error), tv_error_text(other));
	}
	assert_string_equal(tv_error_text(TV_ENOROUTE), "no route leads to the remote address");
	assert_string_equal(tv_error_text(TV_ESECRET), "the secret is all zero");
	assert_string_equal(tv_error_text(TV_ENOTPERM - 1), "?");
	assert_string_equal(tv_error_text(-2147483647 - 1), "?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_every_number_has_one_and_others_have_none),
		cmocka_unit_test(test_names_states_are_spelt_as_the_rfc_does),
		cmocka_unit_test(test_names_errors_have_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
