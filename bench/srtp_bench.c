/* SRTP on one core: nanoseconds a packet to seal and to open (20 ms of G.711: 172 bytes), and the
 * legs of a core that follow from it (each 50 packets/s sealed and 50 opened), for each suite,
 * beside libsrtp2 on the same packets in the same run. With one stream everything is in the
 * nearest cache; with many, visited in an order that no prefetcher guesses, a stream's keys come
 * from where they would come from in a worker. Ours and the peer's rounds alternate; the best of
 * each counts. Every packet must open to what it was, or the benchmark fails. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "bench/bench.h"
#include "media/rtp.h"
#include "media/srtp.h"

#ifdef PEAL_HAVE_SRTP
#include <srtp2/srtp.h>
#endif

#define STREAMS_DEFAULT 2000
#define STREAMS_MAX     8000
#define PACKET          172
#define ROOM            256
#define PASS_MIN        2000 /* packets of a timed pass, at least */
#define PAYLOAD_BYTE    0xd5

int bench_srtp(struct bench *b);

struct packet {
    uint32_t len;
    _Alignas(8) uint8_t p[ROOM];
};

struct side { /* one who seals and opens, ours or the peer */
    bool (*begin)(void *streams, uint32_t i, enum srtp_suite suite, const struct srtp_key *key);
    void (*end)(void *streams, uint32_t i);
    bool (*seal)(void *streams, uint32_t i, struct packet *p);
    bool (*open)(void *streams, uint32_t i, struct packet *p);
    void *streams;
};

struct costs {
    double seal_ns, open_ns;
};

static struct packet *packets;      /* of a pass */
static uint32_t order[STREAMS_MAX]; /* in which streams are visited */
static uint32_t streams;

struct our_stream {
    struct srtp out, in;
};

static bool our_begin(void *all, uint32_t i, enum srtp_suite suite, const struct srtp_key *key)
{
    struct our_stream *s = (struct our_stream *)all + i;

    (void)suite;
    return srtp_begin(&s->out, key) == OK && srtp_begin(&s->in, key) == OK;
}

static void our_end(void *all, uint32_t i)
{
    struct our_stream *s = (struct our_stream *)all + i;

    srtp_end(&s->out);
    srtp_end(&s->in);
}

static bool our_seal(void *all, uint32_t i, struct packet *p)
{
    return srtp_seal(&((struct our_stream *)all)[i].out, p->p, &p->len) == SRTP_GOOD;
}

static bool our_open(void *all, uint32_t i, struct packet *p)
{
    return srtp_unseal(&((struct our_stream *)all)[i].in, p->p, &p->len) == SRTP_GOOD;
}

#ifdef PEAL_HAVE_SRTP
struct their_stream {
    srtp_t out, in;
};

static bool their_begin(void *all, uint32_t i, enum srtp_suite suite, const struct srtp_key *key)
{
    static const srtp_profile_t profile[SRTP_SUITES] = {
        srtp_profile_aes128_cm_sha1_80, srtp_profile_aes128_cm_sha1_32,
        srtp_profile_aead_aes_128_gcm, srtp_profile_aead_aes_256_gcm};
    const struct srtp_suite_info *info = &srtp_suite_info[suite];
    struct their_stream *s = (struct their_stream *)all + i;
    unsigned char master[SRTP_KEY_MAX + SRTP_SALT_MAX];
    srtp_policy_t policy;

    memset(&policy, 0, sizeof(policy));
    srtp_crypto_policy_set_from_profile_for_rtp(&policy.rtp, profile[suite]);
    srtp_crypto_policy_set_from_profile_for_rtcp(&policy.rtcp, profile[suite]);
    memcpy(master, key->key, info->key_bytes);
    memcpy(master + info->key_bytes, key->salt, info->salt_bytes);
    policy.key = master;
    policy.window_size = SRTP_WINDOW;
    policy.ssrc.type = ssrc_any_outbound;
    if (srtp_create(&s->out, &policy) != srtp_err_status_ok)
        return false;
    policy.ssrc.type = ssrc_any_inbound;
    return srtp_create(&s->in, &policy) == srtp_err_status_ok;
}

static void their_end(void *all, uint32_t i)
{
    struct their_stream *s = (struct their_stream *)all + i;

    srtp_dealloc(s->out);
    srtp_dealloc(s->in);
}

static bool their_seal(void *all, uint32_t i, struct packet *p)
{
    int len = (int)p->len;
    bool ok = srtp_protect(((struct their_stream *)all)[i].out, p->p, &len) == srtp_err_status_ok;

    p->len = (uint32_t)len;
    return ok;
}

static bool their_open(void *all, uint32_t i, struct packet *p)
{
    int len = (int)p->len;
    bool ok = srtp_unprotect(((struct their_stream *)all)[i].in, p->p, &len) == srtp_err_status_ok;

    p->len = (uint32_t)len;
    return ok;
}
#endif

static uint32_t pass_packets(void)
{
    return streams > PASS_MIN ? streams : PASS_MIN / streams * streams;
}

static bool begin(const struct side *s, enum srtp_suite suite)
{
    struct srtp_key key = {.suite = suite};

    for (uint32_t i = 0; i < streams; i++) {
        memcpy(key.key, &i, sizeof(i));
        if (!s->begin(s->streams, i, suite, &key))
            return false;
    }
    return true;
}

static void end(const struct side *s)
{
    for (uint32_t i = 0; i < streams; i++)
        s->end(s->streams, i);
}

static void write_packets(uint32_t round)
{
    for (uint32_t k = 0; k < pass_packets(); k++) {
        uint32_t seq = round * (pass_packets() / streams) + k / streams;

        rtp_write_header(packets[k].p, 0, false, (uint16_t)seq, seq * 160, order[k % streams]);
        memset(packets[k].p + RTP_HEADER_BYTES, PAYLOAD_BYTE, PACKET - RTP_HEADER_BYTES);
        packets[k].len = PACKET;
    }
}

static bool opened_well(void)
{
    for (uint32_t k = 0; k < pass_packets(); k++)
        if (packets[k].len != PACKET || packets[k].p[RTP_HEADER_BYTES] != PAYLOAD_BYTE ||
            packets[k].p[PACKET - 1] != PAYLOAD_BYTE)
            return false;
    return true;
}

/* One round: all packets sealed, then all opened. */
static bool round_of(const struct side *s, uint32_t round, struct costs *best)
{
    uint32_t n = pass_packets();
    bool ok = true;

    write_packets(round);
    uint64_t start_us = bench_thread_cpu_us();

    for (uint32_t k = 0; k < n; k++)
        ok &= s->seal(s->streams, order[k % streams], &packets[k]);
    uint64_t sealed_us = bench_thread_cpu_us();

    ok = ok && packets[0].p[RTP_HEADER_BYTES] != PAYLOAD_BYTE;
    uint64_t between_us = bench_thread_cpu_us();

    for (uint32_t k = 0; k < n; k++)
        ok &= s->open(s->streams, order[k % streams], &packets[k]);
    uint64_t end_us = bench_thread_cpu_us();
    double seal = (double)(sealed_us - start_us) * 1e3 / n;
    double open = (double)(end_us - between_us) * 1e3 / n;

    best->seal_ns = seal < best->seal_ns ? seal : best->seal_ns;
    best->open_ns = open < best->open_ns ? open : best->open_ns;
    return ok && opened_well();
}

static void add_row(struct bench *b, const char *what, enum srtp_suite suite, double ours,
                    double peer, const char *unit, enum bench_better better)
{
    char name[BENCH_TEXT_MAX];

    snprintf(name, sizeof(name), "%s, %s, %u stream%s", what, srtp_suite_info[suite].name, streams,
             streams == 1 ? "" : "s");
    if (peer > 0)
        bench_add_peer(b, "srtp", name, ours, unit, better, "libsrtp2", peer);
    else
        bench_add_missing(b, "srtp", name, ours, unit, better, "libsrtp2");
}

static double legs_of(const struct costs *c)
{
    return 1e9 / (c->seal_ns + c->open_ns) / 50;
}

static bool measure(struct bench *b, const struct side *us, const struct side *peer,
                    enum srtp_suite suite)
{
    struct costs ours = {1e18, 1e18}, theirs = {1e18, 1e18};
    uint64_t end_us = bench_now_us() + (uint64_t)(b->seconds * 1e6);

    if (!begin(us, suite) || (peer && !begin(peer, suite))) {
        bench_fail(b, "srtp: keys of %s are not taken", srtp_suite_info[suite].name);
        return false;
    }
    bool ok = true;

    for (uint32_t round = 0; ok && (round < 4 || bench_now_us() < end_us); round++)
        ok = round_of(us, round, &ours) && (!peer || round_of(peer, round, &theirs));
    end(us);
    if (peer)
        end(peer);
    if (!ok) {
        bench_fail(b, "srtp: a packet of %s did not come back as it was",
                   srtp_suite_info[suite].name);
        return false;
    }
    add_row(b, "seal", suite, ours.seal_ns, peer ? theirs.seal_ns : 0, "ns", BENCH_LOWER);
    add_row(b, "open", suite, ours.open_ns, peer ? theirs.open_ns : 0, "ns", BENCH_LOWER);
    add_row(b, "legs of a core", suite, legs_of(&ours), peer ? legs_of(&theirs) : 0, "legs",
            BENCH_HIGHER);
    return true;
}

/* Nothing may be allocated for a packet. */
static void count_mallocs(struct bench *b, const struct side *us)
{
    struct costs ignored = {1e18, 1e18};

    if (!bench_mallocs_counted())
        return;
    for (unsigned suite = 0; suite < SRTP_SUITES; suite++) {
        if (!begin(us, (enum srtp_suite)suite))
            return;
        round_of(us, 0, &ignored);
        bench_mallocs_start(true);
        round_of(us, 1, &ignored);
        struct bench_mallocs m = bench_mallocs_stop();

        end(us);
        if (m.calls)
            bench_fail(b, "srtp: %llu allocations for %u packets of %s",
                       (unsigned long long)m.calls, 2 * pass_packets(),
                       srtp_suite_info[suite].name);
    }
    bench_add(b, "srtp", "allocations for a packet", 0, "", BENCH_LOWER);
}

static void shuffle(void)
{
    struct rng rng;

    rng_seed(&rng, 1);
    for (uint32_t i = 0; i < streams; i++)
        order[i] = i;
    for (uint32_t i = streams; i > 1; i--) {
        uint32_t at = (uint32_t)(rng_u64(&rng) % i), was = order[i - 1];

        order[i - 1] = order[at];
        order[at] = was;
    }
}

static bool streams_asked(struct bench *b, uint32_t *out)
{
    const char *asked = bench_option(b, "streams");
    char *rest = NULL;
    unsigned long n = asked ? strtoul(asked, &rest, 10) : STREAMS_DEFAULT;

    *out = (uint32_t)n;
    if (n >= 1 && n <= STREAMS_MAX && (!asked || (*asked && !*rest)))
        return true;
    bench_fail(b, "srtp: --streams takes a number from 1 to %d, not \"%s\"", STREAMS_MAX, asked);
    return false;
}

int bench_srtp(struct bench *b)
{
    struct side us = {our_begin, our_end, our_seal, our_open, NULL};
    const struct side *peer = NULL;
    uint32_t many;

    if (!streams_asked(b, &many))
        return 1;
    packets = calloc(many > PASS_MIN ? many : PASS_MIN, sizeof(*packets));
    us.streams = calloc(many, sizeof(struct our_stream));
#ifdef PEAL_HAVE_SRTP
    struct side them = {their_begin, their_end, their_seal, their_open, NULL};

    them.streams = calloc(many, sizeof(struct their_stream));
    if (them.streams && srtp_init() == srtp_err_status_ok)
        peer = &them;
#else
    bench_note("srtp: built without libsrtp2 (libsrtp2-dev), so the peer's figures are missing");
#endif
    bench_pin(0);
    bool ok = packets && us.streams;

    for (unsigned suite = 0; ok && suite < SRTP_SUITES; suite++) {
        for (unsigned k = 0; ok && k < 2; k++) {
            streams = k ? many : 1;
            shuffle();
            ok = measure(b, &us, peer, (enum srtp_suite)suite);
        }
    }
    if (ok)
        count_mallocs(b, &us);
    bench_add(b, "srtp", "keys of a leg, without libcrypto's", (double)sizeof(struct our_stream),
              "bytes", BENCH_LOWER);
    bench_unpin();
#ifdef PEAL_HAVE_SRTP
    free(them.streams);
#endif
    free(us.streams);
    free(packets);
    return ok ? 0 : 1;
}
