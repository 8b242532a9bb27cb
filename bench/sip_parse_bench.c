/* The SIP parser and writer on one core: messages a second of CPU time and allocations a message,
 * beside libosip2 on the same bytes in the same run. The messages are variants that differ in
 * length (tags, Call-ID, branch), so that no branch predictor learns one message by heart. */
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "bench/bench.h"
#include "sip/write.h"
#include "tests/sip/sample.h"

#ifdef PEAL_HAVE_OSIP
#include <osipparser2/osip_parser.h>
#endif

#define VARIANTS    64
#define MESSAGE_MAX 2048
#define CHUNK       (VARIANTS * 16) /* messages between two looks at the clock */

int bench_sip_parse(struct bench *b);

struct sample {
    char text[MESSAGE_MAX];
    size_t len;
};

static struct sample samples[VARIANTS];
static struct sip_msg msg;
static char out[MESSAGE_MAX];
static struct addr source;

/* ---- messages ---- */

/* Hexadecimal text of 8 to 39 characters. */
static const char *word(struct rng *rng, char text[40])
{
    unsigned len = 8 + rng_below(rng, 32);
    for (unsigned i = 0; i < len; i++)
        text[i] = "0123456789abcdef"[rng_below(rng, 16)];
    text[len] = 0;
    return text;
}

/* The sample INVITE with words of its own; or the 200 to it. */
static void make_samples(bool response)
{
    struct rng rng;
    rng_seed(&rng, 1);
    for (unsigned i = 0; i < VARIANTS; i++) {
        char branch[40], tag[40], id[40];
        int n = snprintf(
            samples[i].text, MESSAGE_MAX,
            "%s\r\n"
            "Via: SIP/2.0/UDP 127.0.0.1:5060;rport;branch=z9hG4bK-%s\r\n"
            "%s"
            "From: \"Peal\" <sip:+12025550100@peal.test>;tag=%s\r\n"
            "To: <sip:+12025550123@carrier.test;user=phone>%s\r\n"
            "Contact: <sip:peal@127.0.0.1:5060;transport=udp>\r\n"
            "Call-ID: %s@127.0.0.1\r\n"
            "CSeq: %u INVITE\r\n"
            "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO, NOTIFY\r\n"
            "Supported: 100rel, timer, replaces\r\n"
            "Session-Expires: 1800;refresher=uac\r\n"
            "%s"
            "User-Agent: Peal/0.1\r\n"
            "Content-Type: application/sdp\r\n"
            "Content-Length: %zu\r\n"
            "\r\n" SAMPLE_SDP,
            response ? "SIP/2.0 200 OK"
                     : "INVITE sip:+12025550123@carrier.test:5060;user=phone SIP/2.0",
            word(&rng, branch), response ? "" : "Max-Forwards: 70\r\n", word(&rng, tag),
            response ? ";tag=f00ba7" : "", word(&rng, id), 1 + rng_below(&rng, 1u << 20),
            response ? "" : "Min-SE: 90\r\nP-Asserted-Identity: <sip:+12025550100@peal.test>\r\n",
            sizeof(SAMPLE_SDP) - 1);
        samples[i].len = (size_t)n;
    }
}

static double mean_length(void)
{
    size_t sum = 0;
    for (unsigned i = 0; i < VARIANTS; i++)
        sum += samples[i].len;
    return (double)sum / VARIANTS;
}

/* ---- what is measured: one message, false when it failed ---- */

typedef bool work_fn(struct sample *s);

static bool parse_ours(struct sample *s)
{
    enum err e = sip_parse(&msg, s->text, s->len);
    bench_keep(msg.nheaders + msg.cseq.number);
    return e == OK;
}

static bool frame_ours(struct sample *s)
{
    struct sip_framer f = {0};
    struct sip_frame r = sip_frame(&f, s->text, s->len, SIP_MESSAGE_MAX);
    bench_keep(r.len);
    return r.len == s->len;
}

static bool answer_ours(struct sample *s)
{
    struct buf b = buf_on(out, sizeof(out));
    bool ok = parse_ours(s);
    sip_write_response(&b, &msg, 180, SLICE_NONE, SLICE("f00ba7"), &source);
    sip_write_end(&b);
    bench_keep(b.len);
    return ok && buf_end(&b) == OK;
}

#ifdef PEAL_HAVE_OSIP
static bool parse_osip(struct sample *s)
{
    osip_message_t *m = NULL;
    bool ok = osip_message_init(&m) == 0 && osip_message_parse(m, s->text, s->len) == 0;
    osip_message_free(m);
    return ok;
}
#endif

struct figures {
    double per_s, mallocs;
    bool ok;
};

static struct figures measure(work_fn *work, double seconds)
{
    struct figures f = {.ok = true};
    uint64_t done = 0, from, used, limit = (uint64_t)(seconds * 1e6);
    for (unsigned i = 0; i < VARIANTS; i++) /* warm, and sure that all are accepted */
        f.ok = work(&samples[i]) && f.ok;
    bench_mallocs_start(true);
    from = bench_thread_cpu_us();
    do {
        for (unsigned i = 0; i < CHUNK; i++)
            work(&samples[i % VARIANTS]);
        done += CHUNK;
        used = bench_thread_cpu_us() - from;
    } while (used < limit);
    f.mallocs = (double)bench_mallocs_stop().calls / (double)done;
    f.per_s = (double)done * 1e6 / (double)used;
    return f;
}

/* ---- rows ---- */

static void add(struct bench *b, const char *what, struct figures ours, const struct figures *peer)
{
    char name[BENCH_TEXT_MAX];
    if (!ours.ok)
        bench_fail(b, "%s: a message was refused", what);
    if (bench_mallocs_counted() && ours.mallocs != 0)
        bench_fail(b, "%s: %.3f allocations a message, not 0", what, ours.mallocs);
    snprintf(name, sizeof(name), "%s: allocations a message", what);
    if (peer) {
        bench_add_peer(b, "sip", what, ours.per_s, "messages/s", BENCH_HIGHER, "libosip2",
                       peer->per_s);
        bench_add_peer(b, "sip", name, ours.mallocs, "mallocs", BENCH_LOWER, "libosip2",
                       peer->mallocs);
    } else {
        bench_add(b, "sip", what, ours.per_s, "messages/s", BENCH_HIGHER);
        bench_add(b, "sip", name, ours.mallocs, "mallocs", BENCH_LOWER);
    }
}

static void parse_rows(struct bench *b, const char *what, double seconds)
{
    struct figures ours = measure(parse_ours, seconds);
#ifdef PEAL_HAVE_OSIP
    parser_init();
    struct figures osip = measure(parse_osip, seconds);
    if (!osip.ok)
        bench_fail(b, "%s: libosip2 refused a message", what);
    add(b, what, ours, &osip);
#else
    bench_add_missing(b, "sip", what, ours.per_s, "messages/s", BENCH_HIGHER, "libosip2");
    add(b, what, ours, NULL);
#endif
}

int bench_sip_parse(struct bench *b)
{
    double seconds = b->seconds < 1 ? b->seconds : 1;
    addr_parse(SLICE("127.0.0.1:5060"), 0, &source);
    make_samples(true);
    bench_note("sip: parser, 200 OK of %.0f bytes", mean_length());
    parse_rows(b, "parse 200 OK", seconds);
    make_samples(false);
    bench_note("sip: parser, INVITE of %.0f bytes", mean_length());
    parse_rows(b, "parse INVITE", seconds);
    if (b->row[b->rows - 2].value < 1e6)
        bench_note("sip: the parser is below one million messages/s on this core");
    add(b, "frame INVITE", measure(frame_ours, seconds), NULL);
    add(b, "parse INVITE, write 180", measure(answer_ours, seconds), NULL);
    return 0;
}
