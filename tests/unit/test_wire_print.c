/*
 * Packets as text. The lines of the table are what tcpdump 4.99 itself printed for these bytes
 * (-n -t, without what it makes of the payload); addresses are compared with the C library's own.
 */
#include "wire_packet.h"
#include <arpa/inet.h>
#include "wire/print.h"
#include "wire/segment.h"

static const struct {
	const char *hex, *line;
} packets[] = {
	{"4500003c00004000400600000a0000010a00000204570050000003e800000000a002faf000000000"
		"020405b40402080a000000010000000001030307",
		"IP 10.0.0.1.1111 > 10.0.0.2.80: Flags [S], seq 1000, win 64240, options [mss 146"
		"0,sackOK,TS val 1 ecr 0,nop,wscale 7], length 0"},
	{"4500003c00004000400600000a0000010a0000020457005000000005000003e9a012faf000000000"
		"020405b40402080a000000010000000001030307",
		"IP 10.0.0.1.1111 > 10.0.0.2.80: Flags [S.], seq 5, ack 1001, win 64240, options "
		"[mss 1460,sackOK,TS val 1 ecr 0,nop,wscale 7], length 0"},
	{"4500003400004000400600000a0000010a00000204580050000003e9000000068010faf000000000"
		"0101080a0000000700000009",
		"IP 10.0.0.1.1112 > 10.0.0.2.80: Flags [.], ack 6, win 64240, options [nop,nop,TS"
		" val 7 ecr 9], length 0"},
	{"4500008100004000400600000a0000010a00000204590050000003e9000000068018faf000000000"
		"0101080a000000070000000900000000000000000000000000000000000000000000000000000000"
		"00000000000000000000000000000000000000000000000000000000000000000000000000000000"
		"000000000000000000",
		"IP 10.0.0.1.1113 > 10.0.0.2.80: Flags [P.], seq 1001:1078, ack 6, win 64240, opt"
		"ions [nop,nop,TS val 7 ecr 9], length 77"},
	{"4500002800004000400600000a0000010a000002045a0050000003e8000000065011faf000000000",
		"IP 10.0.0.1.1114 > 10.0.0.2.80: Flags [F.], seq 1000, ack 6, win 64240, length 0"},
	{"4500002800004000400600000a0000010a00000204570050000003e8000000005004000000000000",
		"IP 10.0.0.1.1111 > 10.0.0.2.80: Flags [R], seq 1000, win 0, length 0"},
	{"4500002800004000400600000a0000010a000002045b0050000003e8000000095014000000000000",
		"IP 10.0.0.1.1115 > 10.0.0.2.80: Flags [R.], seq 1000, ack 9, win 0, length 0"},
	{"4500002800004000400600000a0000010a00000204570050000003e8000000005000faf000000000",
		"IP 10.0.0.1.1111 > 10.0.0.2.80: Flags [none], win 64240, length 0"},
	{"4500002900004000400600000a0000010a000002045c0050000003e8000000035038faf000000001"
		"00",
		"IP 10.0.0.1.1116 > 10.0.0.2.80: Flags [P.U], seq 1000:1001, ack 3, win 64240, ur"
		"g 1, length 1"},
	{"4500003c00004000400600000a0000010a00000204570050000003e800000000a0c2faf000000000"
		"020405b40402080a000000010000000001030307",
		"IP 10.0.0.1.1111 > 10.0.0.2.80: Flags [SEW], seq 1000, win 64240, options [mss 1"
		"460,sackOK,TS val 1 ecr 0,nop,wscale 7], length 0"},
	{"4500002800004000400600000a0000010a000002045d0050000003e80000000250fffaf000000000",
		"IP 10.0.0.1.1117 > 10.0.0.2.80: Flags [FSRP.UEW], seq 1000, ack 2, win 64240, ur"
		"g 0, length 0"},
	{"4500003200004000400600000a0000010a000002045e0050fffffffa000000015010faf000000000"
		"00000000000000000000",
		"IP 10.0.0.1.1118 > 10.0.0.2.80: Flags [.], seq 4294967290:4, ack 1, win 64240, l"
		"ength 10"},
	{"4500003400004000400600000a0000010a000002045f0050000003e8000000068010faf000000000"
		"0101050a0000000a00000014",
		"IP 10.0.0.1.1119 > 10.0.0.2.80: Flags [.], ack 6, win 64240, options [nop,nop,sa"
		"ck 1 {5:15}], length 0"},
	{"4500003c00004000400600000a0000010a00000204600050000003e800000001a010faf000000000"
		"0101051200000001000000020000000300000004",
		"IP 10.0.0.1.1120 > 10.0.0.2.80: Flags [.], ack 1, win 64240, options [nop,nop,sa"
		"ck 2 {1:2}{3:4}], length 0"},
	{"4500003000004000400600000a0000010a00000204570050000003e8000000007002faf000000000"
		"020405b422020101",
		"IP 10.0.0.1.1111 > 10.0.0.2.80: Flags [S], seq 1000, win 64240, options [mss 146"
		"0,tfo  cookiereq,nop,nop], length 0"},
	{"4500003800004000400600000a0000010a00000204570050000003e8000000009002faf000000000"
		"020405b4220a01020304050607080101",
		"IP 10.0.0.1.1111 > 10.0.0.2.80: Flags [S], seq 1000, win 64240, options [mss 146"
		"0,tfo  cookie 0102030405060708,nop,nop], length 0"},
	{"4500002c00004000400600000a0000010a00000204570050000003e8000000006002faf000000000"
		"fe04f989",
		"IP 10.0.0.1.1111 > 10.0.0.2.80: Flags [S], seq 1000, win 64240, options [exp-tfo"
		" cookiereq], length 0"},
	{"4500003000004000400600000a0000010a00000204570050000003e8000000007002faf000000000"
		"fe08f98901020304",
		"IP 10.0.0.1.1111 > 10.0.0.2.80: Flags [S], seq 1000, win 64240, options [exp-tfo"
		" cookie 01020304], length 0"},
	{"4500003000004000400600000a0000010a00000204570050000003e8000000007002faf000000000"
		"fe06123401020000",
		"IP 10.0.0.1.1111 > 10.0.0.2.80: Flags [S], seq 1000, win 64240, options [exp-123"
		"4,eol], length 0"},
	{"4500003000004000400600000a0000010a00000204570050000003e8000000007002faf000000000"
		"2202220305010101",
		"IP 10.0.0.1.1111 > 10.0.0.2.80: Flags [S], seq 1000, win 64240, options [tfo  co"
		"okiereq,tfo  (invalid),nop,nop,nop], length 0"},
	{"4500002c00004000400600000a0000010a00000204570050000003e8000000006002faf000000000"
		"fd04abcd",
		"IP 10.0.0.1.1111 > 10.0.0.2.80: Flags [S], seq 1000, win 64240, options [unknown"
		"-253 0xabcd], length 0"},
	{"4500002c00004000400600000a0000010a00000204570050000003e8000000006002faf000000000"
		"1c040003",
		"IP 10.0.0.1.1111 > 10.0.0.2.80: Flags [S], seq 1000, win 64240, options [uto 0x3"
		" 60], length 0"},
	{"4500002c00004000400600000a0000010a00000204570050000003e8000000006002faf000000000"
		"1c040004",
		"IP 10.0.0.1.1111 > 10.0.0.2.80: Flags [S], seq 1000, win 64240, options [uto 0x4"
		" 2], length 0"},
	{"4500002c00004000400600000a0000010a00000204570050000003e8000000006002faf000000000"
		"14040a05",
		"IP 10.0.0.1.1111 > 10.0.0.2.80: Flags [S], seq 1000, win 64240, options [scps ca"
		"p 0a id 5], length 0"},
	{"4500003000004000400600000a0000010a00000204570050000003e8000000007002faf000000000"
		"1d0801020a0b0c0d",
		"IP 10.0.0.1.1111 > 10.0.0.2.80: Flags [S], seq 1000, win 64240, options [tcp-ao "
		"keyid 1 rnextkeyid 2 mac 0x0a0b0c0d], length 0"},
	{"4500003000004000400600000a0000010a00000204570050000003e8000000007002faf000000000"
		"0606000000070101",
		"IP 10.0.0.1.1111 > 10.0.0.2.80: Flags [S], seq 1000, win 64240, options [echo 7,"
		"nop,nop], length 0"},
	{"4500003000004000400600000a0000010a00000204570050000003e8000000007002faf000000000"
		"0203050100000000",
		"IP 10.0.0.1.1111 > 10.0.0.2.80: Flags [S], seq 1000, win 64240, options [mss 128"
		"1[len 3],eol], length 0"},
	{"4500002c00004000400600000a0000010a00000204570050000003e8000000006002faf000000000"
		"0402fd00",
		"IP 10.0.0.1.1111 > 10.0.0.2.80: Flags [S], seq 1000, win 64240, options [sackOK,"
		"[bad opt]]"},
	{"4500002c00004000400600000a0000010a00000204570050000003e8000000006002faf000000000"
		"fd010000",
		"IP 10.0.0.1.1111 > 10.0.0.2.80: Flags [S], seq 1000, win 64240, options [[bad op"
		"t]"},
	{"4500002c00004000400600000a0000010a00000204570050000003e8000000006002faf000000000"
		"01010102",
		"IP 10.0.0.1.1111 > 10.0.0.2.80: Flags [S], seq 1000, win 64240, options [nop,nop"
		",nop, [|tcp]"},
	{"4500003400004000400600000a0000010a00000204570050000003e8000000008002faf000000000"
		"050900000000000000010101",
		"IP 10.0.0.1.1111 > 10.0.0.2.80: Flags [S], seq 1000, win 64240, options [sack in"
		"valid sack,nop,nop,nop], length 0"},
	{"4500003000004000400600000a0000010a00000204570050000003e8000000007002faf000000000"
		"0204001001010000",
		"IP 10.0.0.1.1111 > 10.0.0.2.80: Flags [S], seq 1000, win 64240, options [mss 16,"
		"nop,nop,eol], length 0"},
	{"4500002c00004000400600000a0000010a00000204570050000003e8000000006002faf000000000"
		"0303ff00",
		"IP 10.0.0.1.1111 > 10.0.0.2.80: Flags [S], seq 1000, win 64240, options [wscale "
		"255,eol], length 0"},
	{"4500002800004000400600000a0000010a00000204570050000003e8000000004002faf000000000",
		"IP 10.0.0.1.1111 > 10.0.0.2.80:  tcp 4 [bad hdr length 16 - too short, < 20]"},
	{"4500002800004000400600000a0000010a00000204570050000003e8000000009002faf000000000",
		"IP 10.0.0.1.1111 > 10.0.0.2.80: Flags [S] [bad hdr length 36 - too long, > 20]"},
	{"600000000028064020010db8000000000000000000000001fe800000000000000000000000000002"
		"04570050000003e800000000a002faf000000000020405b40402080a000000010000000001030307",
		"IP6 2001:db8::1.1111 > fe80::2.80: Flags [S], seq 1000, win 64240, options [mss "
		"1460,sackOK,TS val 1 ecr 0,nop,wscale 7], length 0"},
	{"60000000001406400000000000000000000000000000000120010db8000000010001000100010001"
		"04610050000003e8000000025010faf000000000",
		"IP6 ::1.1121 > 2001:db8:0:1:1:1:1:1.80: Flags [.], ack 2, win 64240, length 0"},
	{"60000000001406400000000000000000000000000000000020010000000000010000000000000001"
		"04570050000003e8000000005002faf000000000",
		"IP6 ::.1111 > 2001:0:0:1::1.80: Flags [S], seq 1000, win 64240, length 0"},
	{"60000000001406400001000000000002000000000000000300000000000000000000000001020304"
		"04570050000003e8000000005002faf000000000",
		"IP6 1:0:0:2::3.1111 > ::1.2.3.4.80: Flags [S], seq 1000, win 64240, length 0"},
	{"4500002000004000400100000a0000010a000002080000000001000261626364",
		"IP 10.0.0.1 > 10.0.0.2: ICMP echo request, id 1, seq 2, length 12"},
	{"4500002000004000400100000a0000010a000002000000000001000261626364",
		"IP 10.0.0.1 > 10.0.0.2: ICMP echo reply, id 1, seq 2, length 12"},
	{"4500003800004000400100000a0000010a00000203000000000000004500001c0000400040060000"
		"0a0000010a00000204570050000003e8",
		"IP 10.0.0.1 > 10.0.0.2: ICMP net 10.0.0.2 unreachable, length 36"},
	{"4500003800004000400100000a0000010a00000203010000000000004500001c0000400040060000"
		"0a0000010a00000204570050000003e8",
		"IP 10.0.0.1 > 10.0.0.2: ICMP host 10.0.0.2 unreachable, length 36"},
	{"4500003800004000400100000a0000010a00000203020000000000004500001c0000400040060000"
		"0a0000010a00000204570050000003e8",
		"IP 10.0.0.1 > 10.0.0.2: ICMP 10.0.0.2 protocol 6 unreachable, length 36"},
	{"4500003800004000400100000a0000010a00000203030000000000004500001c0000400040060000"
		"0a0000010a00000204570050000003e8",
		"IP 10.0.0.1 > 10.0.0.2: ICMP 10.0.0.2 tcp port 80 unreachable, length 36"},
	{"4500003800004000400100000a0000010a00000203040000000000004500001c0000400040060000"
		"0a0000010a00000204570050000003e8",
		"IP 10.0.0.1 > 10.0.0.2: ICMP 10.0.0.2 unreachable - need to frag, length 36"},
	{"4500003800004000400100000a0000010a00000203050000000000004500001c0000400040060000"
		"0a0000010a00000204570050000003e8",
		"IP 10.0.0.1 > 10.0.0.2: ICMP 10.0.0.2 unreachable - source route failed, length "
		"36"},
	{"4500003800004000400100000a0000010a00000203060000000000004500001c0000400040060000"
		"0a0000010a00000204570050000003e8",
		"IP 10.0.0.1 > 10.0.0.2: ICMP net 10.0.0.2 unreachable - unknown, length 36"},
	{"4500003800004000400100000a0000010a00000203070000000000004500001c0000400040060000"
		"0a0000010a00000204570050000003e8",
		"IP 10.0.0.1 > 10.0.0.2: ICMP host 10.0.0.2 unreachable - unknown, length 36"},
	{"4500003800004000400100000a0000010a00000203080000000000004500001c0000400040060000"
		"0a0000010a00000204570050000003e8",
		"IP 10.0.0.1 > 10.0.0.2: ICMP 10.0.0.2 unreachable - source host isolated, length"
		" 36"},
	{"4500003800004000400100000a0000010a00000203090000000000004500001c0000400040060000"
		"0a0000010a00000204570050000003e8",
		"IP 10.0.0.1 > 10.0.0.2: ICMP net 10.0.0.2 unreachable - admin prohibited, length"
		" 36"},
	{"4500003800004000400100000a0000010a000002030a0000000000004500001c0000400040060000"
		"0a0000010a00000204570050000003e8",
		"IP 10.0.0.1 > 10.0.0.2: ICMP host 10.0.0.2 unreachable - admin prohibited, lengt"
		"h 36"},
	{"4500003800004000400100000a0000010a000002030b0000000000004500001c0000400040060000"
		"0a0000010a00000204570050000003e8",
		"IP 10.0.0.1 > 10.0.0.2: ICMP net 10.0.0.2 unreachable - tos prohibited, length 3"
		"6"},
	{"4500003800004000400100000a0000010a000002030c0000000000004500001c0000400040060000"
		"0a0000010a00000204570050000003e8",
		"IP 10.0.0.1 > 10.0.0.2: ICMP host 10.0.0.2 unreachable - tos prohibited, length "
		"36"},
	{"4500003800004000400100000a0000010a000002030d0000000000004500001c0000400040060000"
		"0a0000010a00000204570050000003e8",
		"IP 10.0.0.1 > 10.0.0.2: ICMP host 10.0.0.2 unreachable - admin prohibited filter"
		", length 36"},
	{"4500003800004000400100000a0000010a000002030e0000000000004500001c0000400040060000"
		"0a0000010a00000204570050000003e8",
		"IP 10.0.0.1 > 10.0.0.2: ICMP host 10.0.0.2 unreachable - host precedence violati"
		"on, length 36"},
	{"4500003800004000400100000a0000010a000002030f0000000000004500001c0000400040060000"
		"0a0000010a00000204570050000003e8",
		"IP 10.0.0.1 > 10.0.0.2: ICMP host 10.0.0.2 unreachable - precedence cutoff, leng"
		"th 36"},
	{"4500003800004000400100000a0000010a00000203100000000000004500001c0000400040060000"
		"0a0000010a00000204570050000003e8",
		"IP 10.0.0.1 > 10.0.0.2: ICMP 10.0.0.2 unreachable - #16, length 36"},
	{"4500003800004000400100000a0000010a00000203040000000005784500001c0000400040060000"
		"0a0000010a00000204570050000003e8",
		"IP 10.0.0.1 > 10.0.0.2: ICMP 10.0.0.2 unreachable - need to frag (mtu 1400), len"
		"gth 36"},
	{"4500003800004000400100000a0000010a00000203030000000000004500001c0000400040110000"
		"0a0000010a0000020035003600080000",
		"IP 10.0.0.1 > 10.0.0.2: ICMP 10.0.0.2 udp port 54 unreachable, length 36"},
	{"4500003800004000400100000a0000010a00000203030000000000004500001c0000400040320000"
		"0a0000010a0000020000000000000000",
		"IP 10.0.0.1 > 10.0.0.2: ICMP 10.0.0.2 protocol 50 port 0 unreachable, length 36"},
	{"4500003800004000400100000a0000010a0000020b000000000000004500001c0000400040060000"
		"0a0000010a00000204570050000003e8",
		"IP 10.0.0.1 > 10.0.0.2: ICMP time exceeded in-transit, length 36"},
	{"4500003800004000400100000a0000010a0000020b010000000000004500001c0000400040060000"
		"0a0000010a00000204570050000003e8",
		"IP 10.0.0.1 > 10.0.0.2: ICMP ip reassembly time exceeded, length 36"},
	{"4500003800004000400100000a0000010a0000020b020000000000004500001c0000400040060000"
		"0a0000010a00000204570050000003e8",
		"IP 10.0.0.1 > 10.0.0.2: ICMP time exceeded-#2, length 36"},
	{"4500003800004000400100000a0000010a0000020c000000050000004500001c0000400040060000"
		"0a0000010a00000204570050000003e8",
		"IP 10.0.0.1 > 10.0.0.2: ICMP parameter problem - octet 5, length 36"},
	{"4500003800004000400100000a0000010a0000020c010000000000004500001c0000400040060000"
		"0a0000010a00000204570050000003e8",
		"IP 10.0.0.1 > 10.0.0.2: ICMP parameter problem - code 1, length 36"},
	{"4500003800004000400100000a0000010a00000204000000000000004500001c0000400040060000"
		"0a0000010a00000204570050000003e8",
		"IP 10.0.0.1 > 10.0.0.2: ICMP source quench, length 36"},
	{"4500003800004000400100000a0000010a000002050000000a0000094500001c0000400040060000"
		"0a0000010a00000204570050000003e8",
		"IP 10.0.0.1 > 10.0.0.2: ICMP redirect 10.0.0.2 to net 10.0.0.9, length 36"},
	{"4500003800004000400100000a0000010a000002050100000a0000094500001c0000400040060000"
		"0a0000010a00000204570050000003e8",
		"IP 10.0.0.1 > 10.0.0.2: ICMP redirect 10.0.0.2 to host 10.0.0.9, length 36"},
	{"4500003800004000400100000a0000010a000002050200000a0000094500001c0000400040060000"
		"0a0000010a00000204570050000003e8",
		"IP 10.0.0.1 > 10.0.0.2: ICMP redirect-tos 10.0.0.2 to net 10.0.0.9, length 36"},
	{"4500003800004000400100000a0000010a000002050300000a0000094500001c0000400040060000"
		"0a0000010a00000204570050000003e8",
		"IP 10.0.0.1 > 10.0.0.2: ICMP redirect-tos 10.0.0.2 to host 10.0.0.9, length 36"},
	{"4500003800004000400100000a0000010a000002050400000a0000094500001c0000400040060000"
		"0a0000010a00000204570050000003e8",
		"IP 10.0.0.1 > 10.0.0.2: ICMP redirect-#4 10.0.0.2 to 10.0.0.9, length 36"},
	{"4500003800004000400100000a0000010a00000263000000000000004500001c0000400040060000"
		"0a0000010a00000204570050000003e8",
		"IP 10.0.0.1 > 10.0.0.2: ICMP type-#99, length 36"},
	{"6000000000383a4020010db8000000000000000000000001fe800000000000000000000000000002"
		"0100000000000000600000000008064020010db8000000000000000000000001fe80000000000000"
		"000000000000000204570050000003e8",
		"IP6 2001:db8::1 > fe80::2: ICMP6, destination unreachable, unreachable route fe8"
		"0::2, length 56"},
	{"6000000000383a4020010db8000000000000000000000001fe800000000000000000000000000002"
		"0101000000000000600000000008064020010db8000000000000000000000001fe80000000000000"
		"000000000000000204570050000003e8",
		"IP6 2001:db8::1 > fe80::2: ICMP6, destination unreachable,  unreachable prohibit"
		"ed fe80::2, length 56"},
	{"6000000000383a4020010db8000000000000000000000001fe800000000000000000000000000002"
		"0102000000000000600000000008064020010db8000000000000000000000001fe80000000000000"
		"000000000000000204570050000003e8",
		"IP6 2001:db8::1 > fe80::2: ICMP6, destination unreachable, beyond scope fe80::2,"
		" source address 2001:db8::1, length 56"},
	{"6000000000383a4020010db8000000000000000000000001fe800000000000000000000000000002"
		"0103000000000000600000000008064020010db8000000000000000000000001fe80000000000000"
		"000000000000000204570050000003e8",
		"IP6 2001:db8::1 > fe80::2: ICMP6, destination unreachable, unreachable address f"
		"e80::2, length 56"},
	{"6000000000383a4020010db8000000000000000000000001fe800000000000000000000000000002"
		"0104000000000000600000000008064020010db8000000000000000000000001fe80000000000000"
		"000000000000000204570050000003e8",
		"IP6 2001:db8::1 > fe80::2: ICMP6, destination unreachable, unreachable port, fe8"
		"0::2 tcp port 80, length 56"},
	{"6000000000383a4020010db8000000000000000000000001fe800000000000000000000000000002"
		"0104000000000000600000000008114020010db8000000000000000000000001fe80000000000000"
		"00000000000000020035003600080000",
		"IP6 2001:db8::1 > fe80::2: ICMP6, destination unreachable, unreachable port, fe8"
		"0::2 udp port 54, length 56"},
	{"6000000000383a4020010db8000000000000000000000001fe800000000000000000000000000002"
		"0200000000000500600000000008064020010db8000000000000000000000001fe80000000000000"
		"000000000000000204570050000003e8",
		"IP6 2001:db8::1 > fe80::2: ICMP6, packet too big, mtu 1280, length 56"},
	{"6000000000383a4020010db8000000000000000000000001fe800000000000000000000000000002"
		"0300000000000000600000000008064020010db8000000000000000000000001fe80000000000000"
		"000000000000000204570050000003e8",
		"IP6 2001:db8::1 > fe80::2: ICMP6, time exceeded in-transit for fe80::2, length 5"
		"6"},
	{"6000000000383a4020010db8000000000000000000000001fe800000000000000000000000000002"
		"0301000000000000600000000008064020010db8000000000000000000000001fe80000000000000"
		"000000000000000204570050000003e8",
		"IP6 2001:db8::1 > fe80::2: ICMP6, time exceeded in-transit (reassembly), length "
		"56"},
	{"6000000000383a4020010db8000000000000000000000001fe800000000000000000000000000002"
		"0400000000000006600000000008064020010db8000000000000000000000001fe80000000000000"
		"000000000000000204570050000003e8",
		"IP6 2001:db8::1 > fe80::2: ICMP6, parameter problem, erroneous - octet 6, length"
		" 56"},
	{"6000000000383a4020010db8000000000000000000000001fe800000000000000000000000000002"
		"0401000000000006600000000008064020010db8000000000000000000000001fe80000000000000"
		"000000000000000204570050000003e8",
		"IP6 2001:db8::1 > fe80::2: ICMP6, parameter problem, next header - octet 6, leng"
		"th 56"},
	{"6000000000383a4020010db8000000000000000000000001fe800000000000000000000000000002"
		"0402000000000028600000000008064020010db8000000000000000000000001fe80000000000000"
		"000000000000000204570050000003e8",
		"IP6 2001:db8::1 > fe80::2: ICMP6, parameter problem, option - octet 40, length 5"
		"6"},
	{"60000000000c3a4020010db8000000000000000000000001fe800000000000000000000000000002"
		"800000000001000261626364",
		"IP6 2001:db8::1 > fe80::2: ICMP6, echo request, id 1, seq 2, length 12"},
	{"60000000000c3a4020010db8000000000000000000000001fe800000000000000000000000000002"
		"810000000001000261626364",
		"IP6 2001:db8::1 > fe80::2: ICMP6, echo reply, id 1, seq 2, length 12"},
	{"6000000000183a4020010db8000000000000000000000001fe800000000000000000000000000002"
		"8700000000000000fe800000000000000000000000000002",
		"IP6 2001:db8::1 > fe80::2: ICMP6, neighbor solicitation, who has fe80::2, length"
		" 24"},
	{"6000000000183a4020010db8000000000000000000000001fe800000000000000000000000000002"
		"8800000060000000fe800000000000000000000000000002",
		"IP6 2001:db8::1 > fe80::2: ICMP6, neighbor advertisement, tgt is fe80::2, length"
		" 24"},
	{"6000000000083a4020010db8000000000000000000000001fe800000000000000000000000000002"
		"8500000000000000",
		"IP6 2001:db8::1 > fe80::2: ICMP6, router solicitation, length 8"},
	{"4500003c00004000400600000a0000010a00000204570050000003e800000000a002faf0000000",
		"IP 10.0.0.1.1111 > 10.0.0.2.80:  [|tcp]"},
	{"4500003c00004000400600000a0000010a00000204570050000003e800000000a002faf000000000",
		"IP 10.0.0.1.1111 > 10.0.0.2.80: Flags [S], seq 1000, win 64240, options [ [|tcp]"},
	{"4500003c00004000400600000a0000010a00000204570050000003e800000000a002faf000000000"
		"020405b40402",
		"IP 10.0.0.1.1111 > 10.0.0.2.80: Flags [S], seq 1000, win 64240, options [mss 146"
		"0,sackOK, [|tcp]"},
	{"4500003c00004000400600000a0000010a00000204570050000003e800000000a002faf000000000"
		"020405b40402080a",
		"IP 10.0.0.1.1111 > 10.0.0.2.80: Flags [S], seq 1000, win 64240, options [mss 146"
		"0,sackOK,TS [|tcp]>"},
	{"4500003400004000400600000a0000010a00000204620050000003e8000000068010faf000000000"
		"0101080a000000070000",
		"IP 10.0.0.1.1122 > 10.0.0.2.80: Flags [.], ack 6, win 64240, options [nop,nop,TS"
		" [|tcp]>"},
	{"4500003800004000400100000a0000010a00000203010000000000004500001c0000400040060000",
		"IP 10.0.0.1 > 10.0.0.2:  [|icmp]"},
	{"6000000000383a4020010db8000000000000000000000001fe800000000000000000000000000002"
		"0100000000000000600000000008064020010db8",
		"IP6 2001:db8::1 > fe80::2: ICMP6, destination unreachable, unreachable route [|i"
		"cmp6]"},
	{"4500001b0000400040fd00000a0000010a00000200000000000000",
		"IP 10.0.0.1 > 10.0.0.2:  ip-proto-253 7"},
};

static size_t from_hex(const char *hex, uint8_t *out)
{
	static const char digits[] = "0123456789abcdef";
	size_t n = strlen(hex) / 2;

	for (size_t i = 0; i < n; i++) {
		out[i] = (uint8_t)((strchr(digits, hex[i * 2]) - digits) * 16 +
			(strchr(digits, hex[i * 2 + 1]) - digits));
	}
	return n;
}

/* tcpdump counts SACK blocks of a first segment from its own ACK field. */
static struct tv_print_base base_of_first(const uint8_t *p, size_t n)
{
	struct tv_print_talk talk = {false, 0, 0};
	struct tv_ip ip;
	uint32_t seq, ack;

	if (tv_ip_parse_quoted(&ip, p, n) != TV_V_OK || ip.protocol != TV_PROTO_TCP || ip.len < 20)
		return (struct tv_print_base){0, 0, 0};
	seq = (uint32_t)get16(ip.payload + 4) << 16 | get16(ip.payload + 6);
	ack = (uint32_t)get16(ip.payload + 8) << 16 | get16(ip.payload + 10);
	return tv_print_follow(
		&talk, get16(ip.payload) > get16(ip.payload + 2), ip.payload[13], seq, ack);
}

static void test_print_packet_every_line_is_tcpdumps(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(packets); i++) {
		uint8_t bytes[256];
		size_t n = from_hex(packets[i].hex, bytes);
		const uint8_t *p = at_edge(bytes, n);
		struct tv_print_base base = base_of_first(p, n);
		char out[256];
		struct tv_text t = tv_text_start(out, sizeof out);

		tv_print_packet(&t, p, n, &base);
		assert_string_equal(out, packets[i].line);
		assert_int_equal(t.len, strlen(packets[i].line));
	}
}

/* Cut at every byte, a line still ends, and nothing behind the cut is read. */
static void test_print_packet_cut_anywhere_reads_nothing_behind(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(packets); i++) {
		uint8_t bytes[256];
		size_t n = from_hex(packets[i].hex, bytes);

		for (size_t cut = 0; cut < n; cut++) {
			char out[256];
			struct tv_text t = tv_text_start(out, sizeof out);

			tv_print_packet(&t, at_edge(bytes, cut), cut, NULL);
			assert_true(t.len > 0 && t.len == strlen(out));
		}
	}
}

static void test_print_text_too_long_is_cut_and_counted(void **state)
{
	uint8_t bytes[256];
	size_t n = from_hex(packets[0].hex, bytes);
	char whole[256], out[256];
	struct tv_text t = tv_text_start(whole, sizeof whole);
	size_t length;

	(void)state;
	tv_print_packet(&t, bytes, n, NULL);
	length = t.len;
	for (size_t cap = 0; cap < length + 2; cap++) {
		memset(out, 'x', sizeof out);
		t = tv_text_start(out, cap);
		tv_print_packet(&t, bytes, n, NULL);
		assert_int_equal(t.len, length);
		assert_int_equal(out[cap], 'x');
		if (cap == 0) continue;
		assert_int_equal(strlen(out), cap <= length ? cap - 1 : length);
		assert_memory_equal(out, whole, strlen(out));
	}
}

/* The rule that tcpdump's numbers follow, over one conversation in both directions. */
static void test_print_follow_numbers_are_relative_behind_the_handshake(void **state)
{
	static const struct {
		bool reverse;
		uint16_t flags;
		uint32_t seq, ack;
		struct tv_print_base wanted;
	} steps[] = {
		{true, TV_SYN, 100, 0, {0, 0, 0}},
		{false, TV_SYN | TV_ACK, 500, 101, {0, 0, 100}},
		{true, TV_ACK, 101, 501, {100, 500, 500}},
		{true, TV_ACK | TV_PSH, 101, 501, {100, 500, 500}},
		{false, TV_ACK, 501, 111, {500, 100, 100}},
		{false, TV_RST, 501, 0, {0, 0, 0}},
		{true, TV_SYN, 900, 0, {0, 0, 0}},
		{false, TV_SYN | TV_ACK, 70, 901, {0, 0, 900}},
		{true, TV_ACK, 901, 71, {900, 70, 70}},
	};
	struct tv_print_talk talk = {false, 0, 0};

	(void)state;
	for (size_t i = 0; i < COUNT(steps); i++) {
		struct tv_print_base b = tv_print_follow(
			&talk, steps[i].reverse, steps[i].flags, steps[i].seq, steps[i].ack);

		assert_int_equal(b.seq, steps[i].wanted.seq);
		assert_int_equal(b.ack, steps[i].wanted.ack);
		assert_int_equal(b.sack, steps[i].wanted.sack);
	}
}

static void test_print_is_reverse_one_of_both_directions_is(void **state)
{
	struct tv_endpoint a = {tv_addr_v4(10, 0, 0, 1), 1000, 0},
			   b = {tv_addr_v4(10, 0, 0, 2), 80, 0};

	(void)state;
	assert_true(tv_print_is_reverse(&a, &b) && !tv_print_is_reverse(&b, &a));
	b.port = a.port;
	assert_true(tv_print_is_reverse(&b, &a) && !tv_print_is_reverse(&a, &b));
}

static void test_print_flag_words_name_each_flag(void **state)
{
	static const struct {
		uint16_t flags;
		const char *words, *letters;
	} cases[] = {{0, "none", "none"}, {TV_SYN, "SYN", "S"}, {TV_SYN | TV_ACK, "SYN,ACK", "S."},
		{TV_FIN | TV_PSH | TV_ACK, "FIN,PSH,ACK", "FP."},
		{TV_RST | TV_ACK, "RST,ACK", "R."},
		{TV_URG | TV_ECE | TV_CWR | TV_AE, "URG,ECE,CWR,AE", "UEWe"},
		{0xfe00, "none", "none"}};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char out[64];
		struct tv_text t = tv_text_start(out, sizeof out);

		tv_print_flag_words(&t, cases[i].flags);
		assert_string_equal(out, cases[i].words);
		t = tv_text_start(out, sizeof out);
		tv_print_flags(&t, cases[i].flags);
		assert_string_equal(out, cases[i].letters);
	}
}

/* As tcpdump 4.99 prints these frames */
static void test_print_arp_lines_are_tcpdumps(void **state)
{
	uint8_t p[28] = {0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0x5e, 0x10, 0, 1, 10, 0, 0, 1, 0, 0, 0, 0, 0,
		0, 10, 0, 0, 2};
	char out[128];
	struct tv_text t = tv_text_start(out, sizeof out);

	(void)state;
	tv_print_arp(&t, p, sizeof p);
	assert_string_equal(out, "ARP, Request who-has 10.0.0.2 tell 10.0.0.1, length 28");
	p[18] = 2;
	t = tv_text_start(out, sizeof out);
	tv_print_arp(&t, p, sizeof p);
	assert_string_equal(
		out, "ARP, Request who-has 10.0.0.2 (02:00:00:00:00:00) tell 10.0.0.1, length 28");
	p[7] = 2;
	t = tv_text_start(out, sizeof out);
	tv_print_arp(&t, at_edge(p, sizeof p), sizeof p);
	assert_string_equal(out, "ARP, Reply 10.0.0.1 is-at 02:00:5e:10:00:01, length 28");
	t = tv_text_start(out, sizeof out);
	tv_print_arp(&t, at_edge(p, 27), 27);
	assert_string_equal(out, "ARP, not IPv4 over Ethernet");
}

/* RFC 5952, as inet_ntop() of the C library has it */
static void test_print_addr_random_addresses_equal_inet_ntop(void **state)
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

static void test_print_numbers_equal_printf(void **state)
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_print_packet_every_line_is_tcpdumps),
		cmocka_unit_test(test_print_packet_cut_anywhere_reads_nothing_behind),
		cmocka_unit_test(test_print_text_too_long_is_cut_and_counted),
		cmocka_unit_test(test_print_follow_numbers_are_relative_behind_the_handshake),
		cmocka_unit_test(test_print_is_reverse_one_of_both_directions_is),
		cmocka_unit_test(test_print_flag_words_name_each_flag),
		cmocka_unit_test(test_print_arp_lines_are_tcpdumps),
		cmocka_unit_test(test_print_addr_random_addresses_equal_inet_ntop),
		cmocka_unit_test(test_print_numbers_equal_printf),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
