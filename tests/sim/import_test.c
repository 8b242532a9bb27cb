/* Captures become scripts: every kind of file and link gives the same, what SIP did becomes verbs,
 * RTP becomes files, and what is broken, missing or encrypted is said. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture_kit.h"
#include "media/packets.h"
#include "sim/import.h"

#define SAID_MAX 4096

struct result {
    char dir[64], said[SAID_MAX], error[IMPORT_PATH_MAX + 128];
    struct import_report report;
    bool ok;
};

static void note(void *arg, const char *text)
{
    struct result *r = arg;
    size_t at = strlen(r->said);

    snprintf(r->said + at, sizeof r->said - at, "%s\n", text);
}

static void import_into(struct result *r, const uint8_t *p, size_t len)
{
    struct import_config config = {
        .out = r->dir, .source = "test.pcap", .number = "+12025550101", .caller = "+12025550100"};
    const char *tmp = getenv("TMPDIR");

    memset(r, 0, sizeof *r);
    snprintf(r->dir, sizeof r->dir, "%.30s/peal-import-XXXXXX", tmp ? tmp : "/tmp");
    cr_assert(mkdtemp(r->dir));
    r->ok = memcmp(p, "RIFF", 4) == 0
                ? import_wav(p, len, &config, &r->report, r->error)
                : import_bytes(p, len, &config, &r->report, note, r, r->error);
}

static void import_cap(struct result *r, struct cap *c)
{
    uint8_t *exact = malloc(c->len); /* so that a sanitizer sees a byte read too many */

    memcpy(exact, c->p, c->len);
    import_into(r, exact, c->len);
    free(exact);
}

static void remove_folder(const char *dir)
{
    static const char *const parts[] = {"callers", "callees", "agents", "media", ""};
    char path[512];

    for (size_t i = 0; i < 5; i++) {
        char folder[160];
        struct dirent *d;

        snprintf(folder, sizeof folder, "%s/%s", dir, parts[i]);
        DIR *f = opendir(folder);
        while (f && (d = readdir(f))) {
            snprintf(path, sizeof path, "%s/%s", folder, d->d_name);
            unlink(path);
        }
        if (f)
            closedir(f);
        rmdir(folder);
    }
}

static void done(struct result *r, struct cap *c)
{
    remove_folder(r->dir);
    free(c->p);
}

static const char *text_of(const struct result *r, const char *name)
{
    static char text[IMPORT_SCRIPT_MAX + 1];
    char path[256];

    snprintf(path, sizeof path, "%s/%s", r->dir, name);
    FILE *f = fopen(path, "r");
    size_t n = f ? fread(text, 1, sizeof text - 1, f) : 0;

    cr_assert(f, "%s is not there; said: %s%s", name, r->said, r->error);
    fclose(f);
    text[n] = '\0';
    return text;
}

static void has(const struct result *r, const char *name, const char *part)
{
    const char *text = text_of(r, name);

    cr_assert(strstr(text, part), "no \"%s\" in %s:\n%s", part, name, text);
}

static void has_not(const struct result *r, const char *name, const char *part)
{
    const char *text = text_of(r, name);

    cr_assert_null(strstr(text, part), "\"%s\" is in %s:\n%s", part, name, text);
}

static const struct packets *media_of(const struct result *r, const char *name)
{
    char path[256], why[PACKETS_ERROR_MAX] = "";
    const struct packets *p = NULL;

    snprintf(path, sizeof path, "%s/media/%s", r->dir, name);
    cr_assert_eq(packets_load(path, &p, why), OK, "%s: %s", name, why);
    return p;
}

/* ---- one plain call ---- */

static void plain_call(struct cap *c)
{
    cap_sip(c, 0, 1, CAP_INVITE, false, "1 INVITE", "", 4000, CAP_PCMU);
    cap_sip(c, 5, 2, "SIP/2.0 100 Trying", false, "1 INVITE", "", 0, "");
    cap_sip(c, 40, 2, "SIP/2.0 180 Ringing", true, "1 INVITE", "", 0, "");
    cap_sip(c, 2040, 2, "SIP/2.0 200 OK", true, "1 INVITE", "", 5000, CAP_PCMU);
    cap_sip(c, 2045, 1, "ACK sip:+12025550101@10.0.0.2 SIP/2.0", true, "1 ACK", "", 0, "");
    cap_speech(c, 2060, 2, 5000, 1, 4000, 0, 65530, 50);
    cap_speech(c, 2070, 1, 4000, 2, 5000, 0, 7, 40);
    cap_sip(c, 3500, 1, CAP_BYE, true, "2 BYE", "Reason: Q.850;cause=16\r\n", 0, "");
    cap_sip(c, 3510, 2, "SIP/2.0 200 OK", true, "2 BYE", "", 0, "");
}

static const char plain_callee[] =
    "-- c0001, the callee's side: +12025550100 calls +12025550101.\n"
    "-- test.pcap, packet 1, 0.000 s after its first call; answered (200).\n"
    "return callee {\n"
    "  truth = \"unknown\", -- say here what it was: human, machine…\n"
    "  run = function(call)\n"
    "    call:payload(\"PCMU/8000/1\")\n"
    "    call:hush(true) -- no packets but those of the capture\n"
    "    call:wait_until(0.040)\n"
    "    call:ring(2.000)\n"
    "    local up = call:age()\n"
    "    call:answer()\n"
    "    call:wait_until(up + 0.020)\n"
    "    call:play_packets(\"media/c0001-callee-1.rtpdump\", { background = true }) -- 1.0 s, 50 "
    "packets\n"
    "    call:wait_hangup(31.440)\n"
    "  end,\n"
    "}\n";

static const char plain_caller[] =
    "-- c0001, the caller's side: +12025550100 calls +12025550101.\n"
    "-- test.pcap, packet 1, 0.000 s after its first call; answered (200).\n"
    "return caller {\n"
    "  run = function(call)\n"
    "    call:hush(true) -- no packets but those of the capture\n"
    "    if not call:wait_answer { limit = 32.040 } then\n"
    "      return\n"
    "    end\n"
    "    local up = call:age()\n"
    "    call:wait_until(up + 0.030)\n"
    "    call:play_packets(\"media/c0001-caller-1.rtpdump\", { background = true }) -- 0.8 s, 40 "
    "packets\n"
    "    call:wait_until(up + 1.460)\n"
    "    call:hangup(16)\n"
    "  end,\n"
    "}\n";

static const char plain_row[] =
    "c0001,0.000,\"+12025550101\",\"+12025550100\",answered,200,0.040,2.040,3.500,caller,"
    "PCMU/8000/1,\"\",udp,no,1\n";

static void gives_plain_call(struct cap *c, const char *what)
{
    struct result r;

    cap_open(c);
    plain_call(c);
    import_cap(&r, c);
    cr_assert(r.ok, "%s: %s", what, r.error);
    cr_assert_str_eq(r.said, "", "%s: %s", what, r.said);
    cr_assert_str_eq(text_of(&r, "callees/c0001.lua"), plain_callee, "%s", what);
    cr_assert_str_eq(text_of(&r, "callers/c0001.lua"), plain_caller, "%s", what);
    has(&r, "calls.csv", plain_row);
    has(&r, "mix.yaml", "{ number: \"+12025550101\", scenario: c0001 }");
    const struct packets *p = media_of(&r, "c0001-callee-1.rtpdump");

    cr_assert_eq(p->count, 50u);
    cr_assert_eq(p->packet[49].at_ms, 980u);
    cr_assert_eq(p->packet[49].seq, 49u, "a wrap of sequence numbers");
    cr_assert_eq(p->packet[49].timestamp, 49u * 160);
    packets_unref(p);
    done(&r, c);
}

Test(import, every_kind_of_file_gives_the_same)
{
    gives_plain_call(&(struct cap){.file = CAP_PCAP, .link = 1}, "pcap");
    gives_plain_call(&(struct cap){.file = CAP_PCAP, .link = 1, .big = true}, "pcap, big-endian");
    gives_plain_call(&(struct cap){.file = CAP_PCAP_NS, .link = 1}, "pcap, ns");
    gives_plain_call(&(struct cap){.file = CAP_PCAP_NS, .link = 1, .big = true}, "pcap, ns, big");
    gives_plain_call(&(struct cap){.file = CAP_NG, .link = 1}, "pcapng");
    gives_plain_call(&(struct cap){.file = CAP_NG, .link = 1, .big = true}, "pcapng, big-endian");
}

Test(import, every_kind_of_link_gives_the_same)
{
    static const uint32_t links[] = {1, 113, 276, 101, 0};

    for (int v6 = 0; v6 < 2; v6++) {
        for (size_t i = 0; i < sizeof links / sizeof *links; i++)
            gives_plain_call(&(struct cap){.link = links[i], .v6 = v6}, v6 ? "IPv6" : "IPv4");
        gives_plain_call(&(struct cap){.link = 1, .vlan = true, .v6 = v6}, "VLAN");
    }
}

/* ---- the network ---- */

static void invite_in_pieces(struct cap *c, size_t piece, bool backwards, bool drop)
{
    char text[4096];
    size_t n = cap_text(c, text, sizeof text, CAP_INVITE, false, "1 INVITE", "", 1, 4000, CAP_PCMU);

    cap_open(c);
    size_t before = c->len;

    cap_udp_in(c, 0, 1, 5060, 2, 5060, text, n, piece, backwards);
    if (drop) /* the first record of the file is one fragment */
        c->len = before + 16 + 14 + 20 + piece;
    cap_sip(c, 2040, 2, "SIP/2.0 200 OK", true, "1 INVITE", "", 5000, CAP_PCMU);
}

Test(import, fragments_are_put_together)
{
    for (int way = 0; way < 4; way++) {
        struct cap c = {.link = 1, .v6 = way & 1};
        struct result r;

        invite_in_pieces(&c, 160, way & 2, false);
        import_cap(&r, &c);
        cr_assert(r.ok, "way %d: %s", way, r.error);
        has(&r, "calls.csv", "answered,200,,2.040,");
        done(&r, &c);
    }
}

Test(import, fragments_that_are_missing_are_said)
{
    struct cap c = {.link = 1};
    struct result r;

    invite_in_pieces(&c, 160, false, true);
    import_cap(&r, &c);
    cr_assert_not(r.ok);
    cr_assert(strstr(r.said, "1 datagrams came in fragments of which some are missing"), "%s",
              r.said);
    cr_assert(strstr(r.error, "there is no call in it"), "%s", r.error);
    done(&r, &c);
}

Test(import, a_train_of_datagrams_is_several_messages)
{
    struct cap c = {.link = 1};
    char text[4096];
    struct result r;

    cap_open(&c);
    cap_sip(&c, 0, 1, CAP_INVITE, false, "1 INVITE", "", 4000, CAP_PCMU);
    size_t n =
        cap_text(&c, text, sizeof text, "SIP/2.0 180 Ringing", true, "1 INVITE", "", 2, 0, "");
    n += cap_text(&c, text + n, sizeof text - n, "SIP/2.0 200 OK", true, "1 INVITE", "", 2, 5000,
                  CAP_PCMU);
    cap_udp(&c, 300, 2, 5060, 1, 5060, text, n);
    import_cap(&r, &c);
    cr_assert(r.ok, "%s", r.error);
    has(&r, "calls.csv", ",answered,200,0.300,0.300,");
    done(&r, &c);
}

/* The plain call's signalling as two streams of bytes, cut by the test. */
struct talk {
    struct cap *c;
    uint32_t seq[3];
};

static void say_tcp(struct talk *t, uint64_t ms, int sender, const char *text, size_t n)
{
    cap_tcp(t->c, ms, sender, sender == 1 ? 40000 : 5060, 3 - sender, sender == 1 ? 5060 : 40000,
            t->seq[sender], 0x18, text, n);
    t->seq[sender] += (uint32_t)n;
}

Test(import, tcp_is_put_in_order)
{
    struct cap c = {.link = 1};
    struct talk t = {&c, {0, 0xfffffff0u, 77}};
    char text[4096];
    struct result r;

    cap_open(&c);
    cap_tcp(&c, 0, 1, 40000, 2, 5060, t.seq[1]++, 2, "", 0);
    size_t n =
        cap_text(&c, text, sizeof text, CAP_INVITE, false, "1 INVITE", "", 1, 4000, CAP_PCMU);

    /* Third, first, first again, second part. */
    cap_tcp(&c, 1, 1, 40000, 2, 5060, t.seq[1] + 300, 0x18, text + 300, n - 300);
    cap_tcp(&c, 2, 1, 40000, 2, 5060, t.seq[1], 0x18, text, 150);
    cap_tcp(&c, 3, 1, 40000, 2, 5060, t.seq[1], 0x18, text, 150);
    cap_tcp(&c, 4, 1, 40000, 2, 5060, t.seq[1] + 150, 0x18, text + 150, 150);
    t.seq[1] += (uint32_t)n;
    /* Two messages in one segment, begun without a SYN. */
    n = cap_text(&c, text, sizeof text, "SIP/2.0 180 Ringing", true, "1 INVITE", "", 2, 0, "");
    n += cap_text(&c, text + n, sizeof text - n, "SIP/2.0 200 OK", true, "1 INVITE", "", 2, 5000,
                  CAP_PCMU);
    say_tcp(&t, 500, 2, text, n);
    n = cap_text(&c, text, sizeof text, CAP_BYE, true, "2 BYE", "", 1, 0, "");
    say_tcp(&t, 900, 1, text, n);
    import_cap(&r, &c);
    cr_assert(r.ok, "%s", r.error);
    cr_assert_str_eq(r.said, "");
    has(&r, "calls.csv", "answered,200,0.496,0.496,0.896,caller,,,tcp,no,5\n");
    done(&r, &c);
}

Test(import, tcp_with_a_gap_goes_on_at_the_next_message)
{
    struct cap c = {.link = 1};
    struct talk t = {&c, {0, 100, 200}};
    char text[4096];
    struct result r;

    cap_open(&c);
    size_t n =
        cap_text(&c, text, sizeof text, CAP_INVITE, false, "1 INVITE", "", 1, 4000, CAP_PCMU);
    say_tcp(&t, 0, 1, text, n);
    t.seq[1] += 1000; /* the ACK and others were not captured */
    n = cap_text(&c, text, sizeof text, "CANCEL sip:+12025550101@10.0.0.2 SIP/2.0", false,
                 "1 CANCEL", "", 1, 0, "");
    say_tcp(&t, 700, 1, text, n);
    cap_tcp(&c, 800, 1, 40000, 2, 5060, t.seq[1], 0x11, "", 0);
    import_cap(&r, &c);
    cr_assert(r.ok, "%s", r.error);
    cr_assert(strstr(r.said, "1 gaps in TCP connections, the first before packet 3"), "%s", r.said);
    has(&r, "calls.csv", ",cancelled,0,");
    done(&r, &c);
}

/* ---- what SIP did ---- */

Test(import, hold_keys_and_the_callees_bye_become_verbs)
{
    struct cap c = {.link = 1};
    struct result r;

    cap_open(&c);
    cap_sip(&c, 0, 1, CAP_INVITE, false, "1 INVITE", "", 4000, CAP_PCMU);
    cap_sip(&c, 10, 2, "SIP/2.0 183 Session Progress", true, "1 INVITE", "", 5000, CAP_PCMU);
    cap_speech(&c, 20, 2, 5000, 1, 4000, 0, 1, 5);
    cap_sip(&c, 500, 2, "SIP/2.0 200 OK", true, "1 INVITE", "", 5000, CAP_PCMU);
    cap_sip(&c, 501, 1, "ACK sip:+12025550101@10.0.0.2 SIP/2.0", true, "1 ACK", "", 0, "");
    cap_speech(&c, 520, 1, 4000, 2, 5000, 0, 1, 10);
    for (int i = 0; i < 8; i++) /* key 5, 140 ms, its end three times */
        cap_rtp(&c, 720 + (uint64_t)(i < 5 ? i : 5) * 20, 1, 4000, 2, 5000, 101, 1,
                (uint16_t)(11 + i), 1600,
                (uint8_t[]){5, i < 5 ? 10 : 0x8a, (uint8_t)((i < 5 ? 160 * (i + 1) : 1120) >> 8),
                            (uint8_t)(i < 5 ? 160 * (i + 1) : 1120)},
                4);
    cap_speech(&c, 900, 1, 4000, 2, 5000, 0, 19, 10);
    cap_sip(&c, 2000, 1, CAP_INVITE, true, "2 INVITE", "", 4000, CAP_PCMU "a=sendonly\r\n");
    cap_sip(&c, 2003, 2, "SIP/2.0 200 OK", true, "2 INVITE", "", 5000, CAP_PCMU "a=recvonly\r\n");
    cap_sip(&c, 2500, 1, CAP_INVITE, true, "3 INVITE", "", 4000,
            CAP_PCMU "a=sendonly\r\n"); /* a refresh */
    cap_sip(&c, 2503, 2, "SIP/2.0 200 OK", true, "3 INVITE", "", 5000, CAP_PCMU "a=recvonly\r\n");
    cap_sip(&c, 3000, 1, CAP_INVITE, true, "4 INVITE", "", 4000, CAP_PCMU);
    cap_sip(&c, 3100, 1, CAP_INVITE, true, "4 INVITE", "", 4000, CAP_PCMU); /* repeated */
    cap_sip(&c, 3103, 2, "SIP/2.0 200 OK", true, "4 INVITE", "", 5000, CAP_PCMU);
    cap_sip(&c, 3200, 1, "UPDATE sip:+12025550101@10.0.0.2 SIP/2.0", true, "5 UPDATE", "", 0, "");
    cap_sip(&c, 3203, 2, "SIP/2.0 200 OK", true, "5 UPDATE", "", 0, "");
    /* The callee's own requests have the tags the other way round. */
    char bye[1024];
    int n =
        snprintf(bye, sizeof bye,
                 "BYE sip:a@10.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.2;branch=z9hG4bK9\r\n"
                 "From: <sip:+12025550101@10.0.0.2>;tag=b2\r\nTo: "
                 "<sip:+12025550100@10.0.0.1>;tag=a1\r\nCall-ID: one@10.0.0.1\r\nCSeq: 1 BYE\r\n"
                 "Content-Length: 0\r\n\r\n");
    cap_udp(&c, 4000, 2, 5060, 1, 5060, bye, (size_t)n);
    import_cap(&r, &c);
    cr_assert(r.ok, "%s", r.error);
    has(&r, "callers/c0001.lua",
        "    call:wait_until(up + 0.020)\n"
        "    call:play_packets(\"media/c0001-caller-1.rtpdump\", { background = true }) -- 0.2 s, "
        "10 packets\n"
        "    call:wait_until(up + 0.220)\n"
        "    call:send_dtmf(\"5\", { on = 0.140, gap = 0.02 })\n"
        "    call:wait_until(up + 0.400)\n"
        "    call:play_packets(\"media/c0001-caller-2.rtpdump\", { background = true }) -- 0.2 s, "
        "10 packets\n"
        "    call:wait_until(up + 1.500)\n"
        "    call:hold(true)\n"
        "    call:wait_until(up + 2.000)\n"
        "    call:hold(true) -- a re-INVITE or UPDATE that changes nothing\n"
        "    call:wait_until(up + 2.500)\n"
        "    call:hold(false)\n"
        "    call:wait_until(up + 2.700)\n"
        "    call:hold(false) -- a re-INVITE or UPDATE that changes nothing\n"
        "    call:wait_hangup(30.800)\n");
    has(&r, "callees/c0001.lua",
        "    call:wait_until(0.010)\n"
        "    call:progress() -- 183, early media\n"
        "    call:wait_until(0.020)\n"
        "    call:play_packets(\"media/c0001-callee-1.rtpdump\", { background = true })");
    has(&r, "callees/c0001.lua",
        "    call:wait_until(0.500)\n    local up = call:age()\n    call:answer()\n"
        "    call:wait_until(up + 3.500)\n    call:hangup()\n");
    has(&r, "calls.csv", ",4.000,callee,");
    cr_assert_eq(r.report.repeated, 1u);
    done(&r, &c);
}

/* A request of the callee's, whose tags are the other way round. */
static void callee_asks(struct cap *c, uint64_t ms, const char *method, int cseq, const char *lines,
                        const char *body)
{
    char text[1500];
    int n = snprintf(text, sizeof text,
                     "%s sip:a@10.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.2;branch=z9hG4bK9%d\r\n"
                     "From: <sip:+12025550101@10.0.0.2>;tag=b2\r\nTo: "
                     "<sip:+12025550100@10.0.0.1>;tag=a1\r\nCall-ID: one@10.0.0.1\r\n"
                     "CSeq: %d %s\r\n%sContent-Length: %zu\r\n\r\n%s",
                     method, cseq, cseq, method, lines, strlen(body), body);

    cap_udp(c, ms, 2, 5060, 1, 5060, text, (size_t)n);
}

static void answered_call(struct cap *c)
{
    cap_open(c);
    cap_sip(c, 0, 1, CAP_INVITE, false, "1 INVITE", "", 4000, CAP_PCMU);
    cap_sip(c, 500, 2, "SIP/2.0 200 OK", true, "1 INVITE", "", 5000, CAP_PCMU);
}

static void acked_call(struct cap *c)
{
    answered_call(c);
    cap_sip(c, 501, 1, "ACK sip:+12025550101@10.0.0.2 SIP/2.0", true, "1 ACK", "", 0, "");
}

/* Refused with 488: the other side is to refuse the second of its offers. With 491: made again. */
Test(import, refused_offers_are_refused_again)
{
    struct cap c = {.link = 1};
    struct result r;

    acked_call(&c);
    cap_sip(&c, 1000, 1, CAP_INVITE, true, "2 INVITE", "", 4000, CAP_PCMU "a=sendonly\r\n");
    cap_sip(&c, 1003, 2, "SIP/2.0 491 Request Pending", true, "2 INVITE", "", 0, "");
    cap_sip(&c, 1200, 1, CAP_INVITE, true, "3 INVITE", "", 4000, CAP_PCMU "a=sendonly\r\n");
    cap_sip(&c, 1203, 2, "SIP/2.0 200 OK", true, "3 INVITE", "", 5000, CAP_PCMU "a=recvonly\r\n");
    cap_sip(&c, 1500, 1, CAP_INVITE, true, "4 INVITE", "", 4000, CAP_PCMU);
    cap_sip(&c, 1503, 2, "SIP/2.0 488 Not Acceptable Here", true, "4 INVITE", "", 0, "");
    cap_sip(&c, 1603, 2, "SIP/2.0 488 Not Acceptable Here", true, "4 INVITE", "", 0, "");
    cap_sip(&c, 2000, 1, CAP_INVITE, true, "5 INVITE", "", 4000, CAP_PCMU "a=sendonly\r\n");
    cap_sip(&c, 2003, 2, "SIP/2.0 200 OK", true, "5 INVITE", "", 5000, CAP_PCMU "a=recvonly\r\n");
    cap_sip(&c, 3000, 1, CAP_BYE, true, "6 BYE", "", 0, "");
    import_cap(&r, &c);
    cr_assert(r.ok, "%s", r.error);
    has(&r, "callers/c0001.lua",
        "    -- a re-INVITE or UPDATE was refused with 491, to come again\n"
        "    call:wait_until(up + 0.700)\n"
        "    call:hold(true)\n"
        "    call:wait_until(up + 1.000)\n"
        "    call:hold(false) -- refused with 488\n"
        "    call:wait_until(up + 1.500)\n"
        "    call:hold(true) -- a re-INVITE or UPDATE that changes nothing\n");
    has(&r, "callees/c0001.lua", "    call:refuse_offer(488, 2)\n    call:wait_until(0.500)\n");
    has_not(&r, "callers/c0001.lua", "refuse_offer");
    done(&r, &c);
}

Test(import, transfers_become_verbs_of_both_sides)
{
    struct cap c = {.link = 1};
    struct result r;
    static const char lines[] = "Refer-To: \"Office\" <sip:300@10.0.0.9?Replaces=x%40y>\r\n",
                      fragment[] = "Content-Type: message/sipfrag;version=2.0\r\nEvent: refer\r\n";

    acked_call(&c);
    cap_sip(&c, 1000, 1, "REFER sip:+12025550101@10.0.0.2 SIP/2.0", true, "2 REFER", lines, 0, "");
    cap_sip(&c, 1200, 1, "REFER sip:+12025550101@10.0.0.2 SIP/2.0", true, "2 REFER", lines, 0, "");
    cap_sip(&c, 1203, 2, "SIP/2.0 603 Declined", true, "2 REFER", "", 0, "");
    cap_sip(&c, 2000, 1, "REFER sip:+12025550101@10.0.0.2 SIP/2.0", true, "3 REFER", lines, 0, "");
    cap_sip(&c, 2004, 2, "SIP/2.0 202 Accepted", true, "3 REFER", "", 0, "");
    callee_asks(&c, 2006, "NOTIFY", 1, fragment, "SIP/2.0 100 Trying\r\n");
    cap_sip(&c, 2007, 1, "SIP/2.0 200 OK", true, "1 NOTIFY", "", 0, "");
    callee_asks(&c, 2500, "NOTIFY", 2, fragment, "SIP/2.0 200 OK\r\n");
    callee_asks(&c, 2700, "NOTIFY", 2, fragment, "SIP/2.0 200 OK\r\n");
    callee_asks(&c, 2800, "NOTIFY", 3, "Event: presence\r\n", "");
    callee_asks(&c, 3000, "BYE", 4, "", "");
    import_cap(&r, &c);
    cr_assert(r.ok, "%s", r.error);
    has(&r, "callers/c0001.lua",
        "    call:wait_until(up + 0.500)\n"
        "    call:refer(\"sip:300@10.0.0.9\", { limit = 0 })\n"
        "    call:wait_until(up + 1.500)\n"
        "    call:refer(\"sip:300@10.0.0.9\", { limit = 0 })\n"
        "    call:wait_hangup(31.000)\n");
    has(&r, "callees/c0001.lua",
        "    call:take_refer(603)\n"
        "    call:wait_until(0.500)\n"
        "    local up = call:age()\n"
        "    call:answer()\n"
        "    call:wait_until(up + 0.703)\n"
        "    call:wait_refer(30.000) -- answered with 603\n"
        "    call:take_refer(202)\n"
        "    call:wait_until(up + 1.504)\n"
        "    call:wait_refer(30.000) -- answered with 202\n"
        "    call:notify(100)\n"
        "    call:wait_until(up + 2.000)\n"
        "    call:notify(200)\n"
        "    call:wait_until(up + 2.500)\n"
        "    call:hangup()\n");
    cr_assert_eq(r.report.repeated, 2u);
    done(&r, &c);
}

static void ends_before_ack(struct cap *c, const char *callee, const char *caller)
{
    struct result r;

    import_cap(&r, c);
    cr_assert(r.ok, "%s", r.error);
    if (callee)
        has(&r, "callees/c0001.lua", callee);
    else
        has(&r, "callees/c0001.lua", "    call:answer()\n");
    if (caller)
        has(&r, "callers/c0001.lua", caller);
    else
        has_not(&r, "callers/c0001.lua", "misbehave");
    has(&r, "calls.csv", "answered,200,");
    done(&r, c);
}

Test(import, a_bye_before_the_ack_stays_one)
{
    struct cap c = {.link = 1}, d = c, e = c;

    answered_call(&c); /* the callee's, and an ACK that comes too late */
    callee_asks(&c, 600, "BYE", 1, "", "");
    cap_sip(&c, 650, 1, "ACK sip:+12025550101@10.0.0.2 SIP/2.0", true, "1 ACK", "", 0, "");
    ends_before_ack(
        &c,
        "    call:answer { ack = false }\n    call:wait_until(up + 0.100)\n"
        "    call:hangup()\n",
        "    call:misbehave { late = \"ACK\", by = 0.150, times = 0 } -- BYE came first\n"
        "    if not call:wait_answer");
    answered_call(&d); /* the caller's, who never sent one */
    cap_sip(&d, 1001, 2, "SIP/2.0 200 OK", true, "1 INVITE", "", 5000, CAP_PCMU);
    cap_sip(&d, 1500, 1, CAP_BYE, true, "2 BYE", "", 0, "");
    ends_before_ack(&d, "    call:answer { ack = false }\n    call:wait_hangup(",
                    "    call:misbehave { lose = \"ACK\", times = 0 } -- BYE came first\n");
    answered_call(&e); /* the ACK is not in the capture: the callee did not miss it */
    cap_sip(&e, 1500, 1, CAP_BYE, true, "2 BYE", "", 0, "");
    ends_before_ack(&e, NULL, NULL);
}

Test(import, refusals_keep_code_phrase_and_cause)
{
    struct cap c = {.link = 1};
    struct result r;

    cap_open(&c);
    cap_sip(&c, 0, 1, CAP_INVITE, false, "1 INVITE", "", 4000, CAP_PCMU);
    cap_sip(&c, 900, 2, "SIP/2.0 486 Busy Here", true, "1 INVITE",
            "Reason: Q.850;cause=17;text=\"busy\"\r\n", 0, "");
    cap_sip(&c, 905, 1, "ACK sip:+12025550101@10.0.0.2 SIP/2.0", true, "1 ACK", "", 0, "");
    import_cap(&r, &c);
    cr_assert(r.ok, "%s", r.error);
    has(&r, "callees/c0001.lua", "  truth = \"busy\",\n");
    has(&r, "callees/c0001.lua",
        "    call:wait_until(0.900)\n    call:reject(486, \"Busy Here\", 17)\n");
    has(&r, "callers/c0001.lua", "call:wait_answer { limit = 30.900 }");
    has(&r, "calls.csv", ",refused,486,,,0.900,,");
    done(&r, &c);
}

Test(import, a_caller_who_gives_up)
{
    struct cap c = {.link = 1};
    struct result r;

    cap_open(&c);
    cap_sip(&c, 0, 1, CAP_INVITE, false, "1 INVITE", "", 4000, CAP_PCMU);
    cap_sip(&c, 100, 2, "SIP/2.0 180 Ringing", true, "1 INVITE", "", 0, "");
    cap_sip(&c, 3000, 1, "CANCEL sip:+12025550101@10.0.0.2 SIP/2.0", false, "1 CANCEL", "", 0, "");
    cap_sip(&c, 3005, 2, "SIP/2.0 200 OK", true, "1 CANCEL", "", 0, "");
    cap_sip(&c, 3006, 2, "SIP/2.0 487 Request Terminated", true, "1 INVITE", "", 0, "");
    import_cap(&r, &c);
    cr_assert(r.ok, "%s", r.error);
    has(&r, "callers/c0001.lua",
        "  run = function(call)\n    call:wait_until(3.000)\n    call:hangup()\n");
    has(&r, "callees/c0001.lua", "call:wait_hangup(30.000) -- the caller gives up\n");
    has_not(&r, "callees/c0001.lua", "call:reject");
    has(&r, "calls.csv", ",cancelled,487,0.100,,3.006,,");
    done(&r, &c);
}

Test(import, a_challenged_call_begins_with_its_second_invite)
{
    struct cap c = {.link = 1};
    struct result r;

    cap_open(&c);
    cap_sip(&c, 0, 1, CAP_INVITE, false, "1 INVITE", "", 4000, CAP_PCMU);
    cap_sip(&c, 10, 2, "SIP/2.0 407 Proxy Authentication Required", true, "1 INVITE", "", 0, "");
    cap_sip(&c, 20, 1, CAP_INVITE, false, "2 INVITE", "", 4000, CAP_PCMU);
    cap_sip(&c, 620, 2, "SIP/2.0 200 OK", true, "2 INVITE", "", 5000, CAP_PCMU);
    import_cap(&r, &c);
    cr_assert(r.ok, "%s", r.error);
    cr_assert_eq(r.report.calls, 1u);
    has(&r, "calls.csv", "c0001,0.000,\"+12025550101\",\"+12025550100\",answered,200,,0.600,,,");
    done(&r, &c);
}

/* ---- audio ---- */

Test(import, any_payload_is_kept_as_it_is)
{
    static const char opus[] =
        "RTP/AVP 111\r\na=rtpmap:111 opus/48000/2\r\na=fmtp:111 useinbandfec=1\r\n";
    struct cap c = {.link = 1};
    struct result r;

    cap_open(&c);
    cap_sip(&c, 0, 1, CAP_INVITE, false, "1 INVITE", "", 4000, opus);
    cap_sip(&c, 100, 2, "SIP/2.0 200 OK", true, "1 INVITE", "", 5000, opus);
    for (int i = 0; i < 20; i++) /* sizes differ, packets 7 and 8 change places, 12 is lost */
        if (i != 12)
            cap_rtp(&c, 200 + (uint64_t)i * 20, 2, 5000, 1, 4000, 111, 9,
                    (uint16_t)(100 + (i == 7   ? 8
                                      : i == 8 ? 7
                                               : i)),
                    (uint32_t)i * 960, "abcdefghijklmnopqrstuvwxyz", (size_t)(i + 1));
    cap_sip(&c, 900, 1, CAP_BYE, true, "2 BYE", "", 0, "");
    import_cap(&r, &c);
    cr_assert(r.ok, "%s", r.error);
    has(&r, "callees/c0001.lua", "call:payload(\"opus/48000/2\", \"useinbandfec=1\")\n");
    has(&r, "callees/c0001.lua", "{ clock = 48000, background = true }) -- 0.4 s, 19 packets\n");
    has(&r, "callers/c0001.lua", "call:mute(true) -- it never sent a packet\n");
    has(&r, "calls.csv", ",opus/48000/2,\"useinbandfec=1\",udp,");
    const struct packets *p = media_of(&r, "c0001-callee-1.rtpdump");

    cr_assert_eq(p->count, 19u);
    cr_assert(p->packet[7].seq == 8 && p->packet[8].seq == 7, "order stays");
    cr_assert(p->packet[11].seq == 11 && p->packet[12].seq == 13, "losses stay");
    cr_assert_eq(p->packet[12].at_ms, 260u);
    cr_assert(p->packet[3].len == 4 && memcmp(p->bytes + p->packet[3].payload, "abcd", 4) == 0);
    packets_unref(p);
    done(&r, &c);
}

Test(import, encrypted_audio_is_left_out_with_a_word)
{
    struct cap c = {.link = 1};
    struct result r;

    cap_open(&c);
    cap_sip(&c, 0, 1, CAP_INVITE, false, "1 INVITE", "", 4000,
            "RTP/SAVP 0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAAA\r\n");
    cap_sip(&c, 100, 2, "SIP/2.0 200 OK", true, "1 INVITE", "", 5000, "RTP/SAVP 0\r\n");
    cap_speech(&c, 200, 2, 5000, 1, 4000, 0, 1, 10);
    import_cap(&r, &c);
    cr_assert(r.ok, "%s", r.error);
    cr_assert(strstr(r.said, "the audio of 1 calls is encrypted (SRTP) and left out"), "%s",
              r.said);
    has(&r, "callees/c0001.lua", "(SRTP, packet 1) and left out");
    has_not(&r, "callees/c0001.lua", "play_packets");
    done(&r, &c);
}

Test(import, a_capture_beside_a_relay_counts_each_packet_once)
{
    struct cap c = {.link = 1};
    struct result r;

    cap_open(&c);
    cap_sip(&c, 0, 1, CAP_INVITE, false, "1 INVITE", "", 4000, CAP_PCMU);
    cap_sip(&c, 100, 2, "SIP/2.0 200 OK", true, "1 INVITE", "", 5000, CAP_PCMU);
    for (int i = 0; i < 10; i++) {
        uint8_t payload[160] = {0};

        cap_rtp(&c, 200 + (uint64_t)i * 20, 1, 4000, 9, 6000, 0, 5, (uint16_t)i, (uint32_t)i * 160,
                payload, 160);
        cap_rtp(&c, 201 + (uint64_t)i * 20, 9, 6002, 2, 5000, 0, 5, (uint16_t)i, (uint32_t)i * 160,
                payload, 160);
    }
    import_cap(&r, &c);
    cr_assert(r.ok, "%s", r.error);
    has(&r, "callers/c0001.lua", "-- 0.2 s, 10 packets\n");
    done(&r, &c);
}

/* Two sides that have nothing in common, so that a mix of them is neither. */
static int16_t stereo_sample(int i, int side)
{
    return (int16_t)(side ? 9000 - i % 611 * 13 : i * 37 % 20011 - 8000);
}

Test(import, a_stereo_recording_has_two_sides)
{
    uint8_t wav[44 + 16000 * 4];
    struct cap none = {.p = NULL};
    struct result r;

    memset(wav, 0, sizeof wav);
    memcpy(wav, "RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x02\0\x40\x1f\0\0\0\x7d\0\0\x04\0\x10\0data",
           40);
    wav[40] = (uint8_t)(sizeof wav - 44);
    wav[41] = (uint8_t)((sizeof wav - 44) >> 8);
    wav[42] = (uint8_t)((sizeof wav - 44) >> 16);
    for (int i = 0; i < 16000; i++)
        for (int side = 0; side < 2; side++) {
            wav[44 + i * 4 + side * 2] = (uint8_t)stereo_sample(i, side);
            wav[44 + i * 4 + side * 2 + 1] = (uint8_t)(stereo_sample(i, side) >> 8);
        }
    import_into(&r, wav, sizeof wav);
    cr_assert(r.ok, "%s", r.error);
    has(&r, "callees/c0001.lua", "call:play(\"media/c0001-callee.wav\", { background = true })");
    has(&r, "callers/c0001.lua", "    call:wait_until(up + 2.000)\n    call:hangup()\n");
    for (int side = 0; side < 2; side++) {
        const uint8_t *p = (const uint8_t *)text_of(&r, side ? "media/c0001-caller.wav"
                                                             : "media/c0001-callee.wav");

        cr_assert_eq(p[22], 1, "one channel");
        for (int i = 0; i < 16000; i++)
            cr_assert_eq((int16_t)(p[44 + i * 2] | p[45 + i * 2] << 8), stereo_sample(i, side),
                         "sample %d of side %d", i, side);
    }
    done(&r, &none);
}

/* ---- broken files ---- */

Test(import, a_file_that_is_cut_off_gives_what_is_whole)
{
    struct cap c = {.link = 1};
    struct result r;

    cap_open(&c);
    plain_call(&c);
    c.len -= 7;
    import_cap(&r, &c);
    cr_assert(r.ok, "%s", r.error);
    cr_assert(strstr(r.said, "the file ends in the middle of a packet, after packet 96; what is "
                             "whole was read"),
              "%s", r.said);
    has(&r, "calls.csv", plain_row);
    done(&r, &c);
}

Test(import, every_length_of_a_file_is_read_without_harm)
{
    for (int ng = 0; ng < 2; ng++) {
        struct cap c = {.file = ng ? CAP_NG : CAP_PCAP, .link = 1};

        cap_open(&c);
        plain_call(&c);
        for (size_t n = 0; n < c.len; n += n < 300 ? 1 : 101) {
            uint8_t *exact = malloc(n ? n : 1);

            memcpy(exact, c.p, n);
            import_try(exact, n);
            free(exact);
        }
        free(c.p);
    }
}

Test(import, malformed_messages_are_said_with_their_packet)
{
    struct cap c = {.link = 1};
    static const char broken[] = "INVITE sip:x@y SIP/2.0\r\nVia: nothing\r\n\r\n";
    struct result r;

    cap_open(&c);
    cap_udp(&c, 0, 1, 5060, 2, 5060, broken, sizeof broken - 1);
    plain_call(&c);
    import_cap(&r, &c);
    cr_assert(r.ok, "%s", r.error);
    cr_assert(strstr(r.said, "1 SIP messages are malformed, the first in packet 1: at byte"), "%s",
              r.said);
    done(&r, &c);
}

Test(import, no_capture_at_all)
{
    struct cap none = {.p = NULL};
    struct result r;

    import_into(&r, (const uint8_t *)"this is text, and not short", 27);
    cr_assert_not(r.ok);
    cr_assert_str_eq(r.error, "it is neither pcap nor pcapng");
    done(&r, &none);
}
