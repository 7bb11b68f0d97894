/*
 * What scripts ask for before they begin: settings that become configuration, and those that are
 * named because they cannot be honoured.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "tests/runner/setup.h"

static struct script script;
static struct setup setup;
static struct fail reason;

/* A configuration that no setting below asks for by accident. */
static struct tv_config defaults(void)
{
	struct tv_config config;

	memset(&config, 0, sizeof config);
	config.timestamps = config.sack = config.window_scale = true;
	config.syn_tries = 10;
	config.initial_window = 10;
	return config;
}

static bool start(const char *text, enum ip_version version)
{
	struct script_error error;
	struct tv_config config = defaults();

	script_free(&script);
	memset(&reason, 0, sizeof reason);
	assert_true(script_read(&script, "test", text, strlen(text), NULL, &error));
	return setup_start(&setup, &script, version, &config, &reason);
}

static int end(void **state)
{
	(void)state;
	script_free(&script);
	return 0;
}

static bool noted(const char *text)
{
	for (const struct setup_note *n = setup.notes; n != NULL; n = n->next)
		if (strstr(n->text, text) != NULL) return true;
	return false;
}

static void test_setup_options_are_taken(void **state)
{
	(void)state;
	assert_true(start("--tolerance_usecs=7000\n--bind_port=80\n--connect_port=81\n--mtu=1400\n"
			  "--strict_segments\n--tcp_ts_tick_usecs=1000\n--tcp_ts_ecr_scaled\n",
		VERSION_IPV4));
	assert_int_equal(setup.tolerance_ns, 7000000);
	assert_int_equal(setup.bind_port, 80);
	assert_int_equal(setup.connect_port, 81);
	assert_int_equal(setup.mtu, 1400);
	assert_int_equal(setup.ts_tick_us, 1000);
	assert_true(setup.strict_segments);
	assert_null(setup.notes);
}

static void test_setup_mss_is_the_same_for_both_versions(void **state)
{
	(void)state;
	assert_true(start("", VERSION_IPV4));
	assert_int_equal(setup.mtu, 1500);
	assert_true(start("", VERSION_IPV6));
	assert_int_equal(setup.mtu, 1520);
	assert_true(start("--ip_version=ipv6\n--mtu=1500\n", VERSION_IPV6));
	assert_int_equal(setup.mtu, 1500);
}

static void test_setup_versions_follow_the_options(void **state)
{
	static const struct {
		const char *text;
		unsigned versions;
	} cases[] = {
		{"", 1u << VERSION_IPV4 | 1u << VERSION_IPV6},
		{"--ip_version=ipv4\n", 1u << VERSION_IPV4},
		{"--ip_version=ipv6\n", 1u << VERSION_IPV6},
		{"--ip_version=ipv4-mapped-ipv6\n", 1u << VERSION_MAPPED},
		{"--local_ip=192.168.0.1\n", 1u << VERSION_IPV4},
		{"--remote_ip=fd00::1\n", 1u << VERSION_IPV6},
		{"--ip_version=ipv5\n", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		start(cases[i].text, VERSION_IPV4);
		memset(&reason, 0, sizeof reason);
		assert_int_equal(setup_versions(&script, &reason), cases[i].versions);
		assert_int_equal(reason.failed, cases[i].versions == 0);
	}
}

static void test_setup_wrong_options_are_refused(void **state)
{
	static const char *const texts[] = {"--mtu=big\n", "--mtu=100\n", "--bind_port=0\n", "--bind_port\n",
		"--tolerance_usecs=-1\n", "--local_ip=nowhere\n", "--local_ip=fd00::1\n"};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		assert_false(start(texts[i], VERSION_IPV4));
		assert_true(reason.failed);
	}
}

static void test_setup_sysctl_becomes_configuration(void **state)
{
	(void)state;
	assert_true(start("`sysctl -q net.ipv4.tcp_timestamps=0 net.ipv4.tcp_sack=0\n"
			  "sysctl -w net/ipv4/tcp_window_scaling=0; sysctl -e -q net.ipv4.tcp_syn_retries=3\n"
			  "../common/set_sysctls.py /proc/sys/net/ipv4/tcp_fin_timeout=7 \\\n"
			  "   /proc/sys/net/ipv4/tcp_keepalive_time=9 # remark\n"
			  "sysctl -q net.ipv4.tcp_rmem=\"4096 540000 15728640\" > /dev/null 2>&1\n"
			  "sysctl -q net.ipv4.ip_local_port_range='40000 40010' && "
			  "sysctl -q net.ipv4.tcp_tw_reuse=1`\n",
		VERSION_IPV4));
	assert_false(setup.config.timestamps);
	assert_false(setup.config.sack);
	assert_false(setup.config.window_scale);
	assert_int_equal(setup.config.syn_tries, 7); /* at 1, 2, 3, 4, 5, 7 and 11 s; over at 19 */
	assert_int_equal(setup.config.defaults.fin_wait_2, 7 * TV_S);
	assert_int_equal(setup.config.defaults.keepalive_idle, 9 * TV_S);
	assert_int_equal(setup.config.defaults.rcv_buf, 270000);
	assert_int_equal(setup.config.defaults.rcv_buf_max, 15728640);
	assert_int_equal(setup.config.port_first, 40000);
	assert_int_equal(setup.config.port_last, 40010);
	assert_int_equal(setup.config.time_wait_reuse, TV_REUSE_ALL);
	assert_null(setup.notes);
}

/* Linux 6.1, Documentation/networking/ip-sysctl.rst: the default of 15 is 924.6 seconds. */
static void test_setup_retries2_is_a_time(void **state)
{
	(void)state;
	assert_true(start("`sysctl -q net.ipv4.tcp_retries2=15`\n", VERSION_IPV4));
	assert_int_equal(setup.config.defaults.user_timeout, 924600 * TV_MS);
}

static void test_setup_other_commands_are_named(void **state)
{
	static const char *const texts[] = {
		"sysctl -q net.ipv4.tcp_recovery=1", "sysctl -q net.ipv4.tcp_congestion_control=cubic",
		"sysctl -q net.ipv4.tcp_ecn=1", "tc qdisc replace dev tun0 root fq",
		"ip route change 192.0.2.1 via 192.168.0.2 dev tun0 advmss 600", "iptables -A OUTPUT -j DROP",
		"sysctl -q net.ipv4.tcp_syn_retries=many", "grep x /proc/net/tcp",
		"echo 3 > /sys/module/tcp_cubic/parameters/hystart_detect",
	};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		char text[200] = "`";
		strcat(text, texts[i]);
		strcat(text, "`\n");
		assert_true(start(text, VERSION_IPV4));
		if (setup.notes == NULL) print_error("%s\n", texts[i]);
		assert_true(setup.notes != NULL && setup.notes->line == 1);
	}
	assert_true(start("--wire_client\n--so_filename=x\n", VERSION_IPV4));
	assert_true(noted("--wire_client"));
	assert_true(noted("--so_filename=x"));
}

/* What they ask for is what happens anyway. */
static void test_setup_commands_without_effect_are_honoured(void **state)
{
	static const char *const texts[] = {
		"tc qdisc add dev tun0 root pfifo", "ethtool -K tun0 tso off gso off",
		"ip tcp_metrics flush all &> /dev/null", "/tmp/sysctl_restore_${PPID}.sh",
		"sysctl -q net.ipv4.tcp_ecn=0", "sysctl -q net.ipv4.tcp_dsack=1",
	};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		char text[200] = "`";
		strcat(text, texts[i]);
		strcat(text, "`\n");
		assert_true(start(text, VERSION_IPV4));
		if (setup.notes != NULL) print_error("%s\n", setup.notes->text);
		assert_null(setup.notes);
	}
}

static void test_setup_defaults_script_is_known(void **state)
{
	(void)state;
	assert_true(start("`../../common/defaults.sh\nsysctl -q net.ipv4.tcp_timestamps=0`\n", VERSION_IPV4));
	assert_int_equal(setup.config.syn_tries, 9);
	assert_false(setup.config.timestamps);
	assert_true(noted("cubic"));
	assert_null(setup.notes->next);
}

static void test_setup_fastopen_and_its_keys_are_taken(void **state)
{
	/* Linux's tcp_fastopen_key shows words; each lies with its lowest octet first. */
	static const uint8_t keys[32] = {0x67, 0x45, 0x23, 0x01, 0xef, 0xcd, 0xab, 0x89, 0x98, 0xba, 0xdc, 0xfe,
		0x10, 0x32, 0x54, 0x76, [16] = 1, [20] = 2, [24] = 3, [28] = 4};

	(void)state;
	assert_true(start("", VERSION_IPV4));
	assert_int_equal(setup.fastopen, 0);
	assert_int_equal(setup.fastopen_key_count, 0);
	assert_true(start("`sysctl -q net.ipv4.tcp_fastopen=0x403 \\\n"
			  "net.ipv4.tcp_fastopen_key=01234567-89abcdef-fedcba98-76543210`\n", VERSION_IPV4));
	assert_null(setup.notes);
	assert_int_equal(setup.fastopen, SOCKETS_FASTOPEN_CLIENT | SOCKETS_FASTOPEN_SERVER |
		SOCKETS_FASTOPEN_EVERY_LISTENER);
	assert_int_equal(setup.fastopen_key_count, 1);
	assert_memory_equal(setup.fastopen_keys, keys, 16);
	assert_true(start("`sysctl -q net.ipv4.tcp_fastopen_key=01234567-89abcdef-fedcba98-76543210,"
			  "00000001-00000002-00000003-00000004`\n", VERSION_IPV4));
	assert_int_equal(setup.fastopen_key_count, 2);
	assert_memory_equal(setup.fastopen_keys, keys, 32);
	/* Without a cookie; while the script runs. */
	assert_true(start("`sysctl -q net.ipv4.tcp_fastopen=5`\n", VERSION_IPV4));
	assert_true(noted("tcp_fastopen=5"));
	assert_true(start("`sysctl -q net.ipv4.tcp_fastopen=0x203`\n", VERSION_IPV4));
	assert_true(noted("tcp_fastopen=0x203"));
	assert_false(setup_command(&setup, "sysctl -q net.ipv4.tcp_fastopen=0", 6, true));
	assert_true(noted("tcp_fastopen=0"));
}

static void test_setup_mtu_command_changes_the_link(void **state)
{
	(void)state;
	assert_true(start("", VERSION_IPV4));
	assert_true(setup_command(&setup, "ip link set dev tun0 mtu 1200", 5, true));
	assert_int_equal(setup.mtu, 1200);
	assert_true(setup_command(&setup, "ip tcp_metrics flush all > /dev/null 2>&1", 5, true));
	assert_true(setup.flush_paths);
	/* While the script runs the configuration is fixed. */
	assert_false(setup_command(&setup, "sysctl -q net.ipv4.tcp_sack=0", 6, true));
	assert_true(noted("tcp_sack=0"));
	assert_int_equal(setup.notes->line, 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_setup_options_are_taken),
		cmocka_unit_test(test_setup_mss_is_the_same_for_both_versions),
		cmocka_unit_test(test_setup_versions_follow_the_options),
		cmocka_unit_test(test_setup_wrong_options_are_refused),
		cmocka_unit_test(test_setup_sysctl_becomes_configuration),
		cmocka_unit_test(test_setup_retries2_is_a_time),
		cmocka_unit_test(test_setup_other_commands_are_named),
		cmocka_unit_test(test_setup_commands_without_effect_are_honoured),
		cmocka_unit_test(test_setup_defaults_script_is_known),
		cmocka_unit_test(test_setup_fastopen_and_its_keys_are_taken),
		cmocka_unit_test(test_setup_mtu_command_changes_the_link),
	};

	return cmocka_run_group_tests(tests, NULL, end);
}
