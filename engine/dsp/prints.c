/* The leg's side of known recordings: look up, glance, compare, decide.
 *
 * A place in the library is written as the frame that belongs to the newest block. One block with
 * the right key is enough to find it: what is quiet or slurred may give no second one in 1.5 s. */
#include <assert.h>
#include <string.h>

#include "dsp/dsp.h"
#include "dsp/prints_inner.h"

#define RING            80     /* blocks of bits kept */
#define GATE            200.0f /* loudness (−85 dBm0 in its bands) below which nothing is looked up */
#define FLIPS           2      /* weakest key bits of the block tried both ways */
#define CANDIDATES_MAX  256
#define COMPARISONS_MAX 8
#define CHECK_BLOCKS    20 /* a comparison goes on when these fit at all */
#define CHECK_WRONG     0.32f
#define GLANCE_STEP     3
#define GLANCE_WRONG    0.40f
#define COMPARE_MIN     28
#define COMPARE_MAX     64 /* 1.28 s, with the 180 ms before them that are in the first bits */
#define COMPARE_STEP    6
#define DECIDE_MIN      58 /* blocks that must fit for a decision, and … */
#define DECIDE_WRONG    0.20f
#define DECIDE_FIT      18.0f
#define DECIDE_FRAMES   125 /* … of the recording (all but the last 100 ms of shorter ones) */
#define BITS_MIN        220
#define WRONG_MAX       0.30f
#define FIT_MIN         12.5f /* (right − wrong) / √all; chance gives a deviation of about 2.3 */
#define HYPOTHESES      6
#define SETTLE_BLOCKS   3   /* time for others to turn up */
#define UNSURE_BLOCKS   100 /* then the best of those that sound alike */
#define SOON_BLOCKS     42  /* as much, when they mean the same result */
#define LOOK_EVERY      2
_Static_assert(RING >= COMPARE_MAX + EAR_BLOCKS, "what a match tells of was kept");

/* A recording that fits, and how well. */
struct hypothesis {
    uint32_t place;
    uint16_t recording;
    uint16_t blocks;
    float fit, wrong; /* see FIT_MIN; share of wrong bits */
};

struct listener {
    const struct prints *library;
    uint32_t block; /* number of the newest */
    uint32_t first_fit;
    uint32_t filled;  /* blocks in the ring, up to RING */
    int32_t reported; /* recording, −1: none */
    bool fresh;       /* spectra came for the next block */
    uint8_t hypotheses, comparisons;
    struct prints_work work;
    struct hypothesis hypothesis[HYPOTHESES];
    struct ear ear;
    uint32_t bits[RING];
};
_Static_assert(sizeof(struct listener) <= PRINTS_LEG_BYTES, "a listener must fit prints_leg");

static struct listener *listener_of(struct prints_leg *s)
{
    return (struct listener *)(void *)s->opaque;
}

void prints_leg_init(struct prints_leg *s, const struct prints *p)
{
    struct listener *l = listener_of(s);
    assert(p && p->bucket);
    memset(l, 0, sizeof *l);
    l->library = p;
    l->reported = -1;
}

void prints_reset(struct prints_leg *s)
{
    struct listener *l = listener_of(s);
    struct prints_work work = l->work;
    prints_leg_init(s, l->library);
    l->work = work;
}

struct prints_work prints_leg_work(const struct prints_leg *s)
{
    return ((const struct listener *)(const void *)s->opaque)->work;
}

void prints_hear(struct prints_leg *s, const float *early, const float *late)
{
    struct listener *l = listener_of(s);
    ear_hear(&l->ear, early, late);
    l->fresh = true;
}

struct fit {
    uint32_t all, wrong, blocks;
    float fit;
};

static void fit_best(struct fit *best, uint32_t all, uint32_t wrong, uint32_t blocks)
{
    float right = (float)all - 2.0f * (float)wrong;
    if (all < BITS_MIN || (float)wrong > WRONG_MAX * (float)all || right <= 0)
        return;
    float fit = right / __builtin_sqrtf((float)all);
    if (fit > best->fit)
        *best = (struct fit){.all = all, .wrong = wrong, .blocks = blocks, .fit = fit};
}

/* Counts of set bits of both halves, a byte for each of their bytes: plain C, since not every
 * machine counts bits in one instruction. */
static inline uint64_t bytes_set(uint32_t high, uint32_t low)
{
    uint64_t x = (uint64_t)high << 32 | low;
    x -= x >> 1 & 0x5555555555555555u;
    x = (x & 0x3333333333333333u) + (x >> 2 & 0x3333333333333333u);
    return (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0fu;
}

/* Reliable bits (high half) and wrong ones of blocks from…to−1 back, at most 31 of them. */
static inline uint64_t count_blocks(const struct listener *l, uint32_t place, int drift,
                                    uint32_t from, uint32_t to)
{
    uint64_t bytes = 0;
    for (uint32_t k = from; k < to; k++) {
        uint32_t back = 2 * k + (uint32_t)(drift * ((int)k + 25) / 50);
        const struct print_frame *f = &l->library->all[place - back];
        bytes += bytes_set(f->mask, (f->bits ^ l->bits[(l->block - k) % RING]) & f->mask);
    }
    bytes = (bytes & 0x00ff00ff00ff00ffu) + (bytes >> 8 & 0x00ff00ff00ff00ffu);
    return (bytes & 0x0000ffff0000ffffu) + (bytes >> 16 & 0x0000ffff0000ffffu);
}

/* Compares backwards from a place; drift: library frames gained in a hundred. The best of several
 * lengths counts, because the recording may have begun only lately. */
static struct fit compare(const struct listener *l, uint32_t place, int drift)
{
    struct fit best = {0};
    uint32_t most = l->filled < COMPARE_MAX ? l->filled : COMPARE_MAX;
    if (most < COMPARE_MIN)
        return best;
    uint64_t sum = count_blocks(l, place, drift, 0, COMPARE_MIN);
    for (uint32_t n = COMPARE_MIN;; n += COMPARE_STEP) {
        fit_best(&best, (uint32_t)(sum >> 32), (uint32_t)sum, n);
        if (n + COMPARE_STEP > most)
            return best;
        sum += count_blocks(l, place, drift, n, n + COMPARE_STEP);
    }
}

/* The best comparison around a place, and there at other speeds; *place moves to it. */
static struct fit compare_around(struct listener *l, uint32_t *place)
{
    struct fit best = {0};
    uint32_t at = *place;
    l->work.comparisons++;
    for (uint32_t p = at - 1; p <= at + 1; p++) {
        struct fit f = compare(l, p, 0);
        if (f.fit > best.fit) {
            best = f;
            *place = p;
        }
    }
    for (int drift = -1; drift <= 1; drift += 2) {
        struct fit f = compare(l, *place, drift);
        if (f.fit > best.fit)
            best = f;
    }
    return best;
}

/* Whether the newest blocks fit at all. Nearly all hits are chance, so a few blocks, which share no
 * sound with each other, are looked at before the rest. */
static bool glance(const struct listener *l, uint32_t place)
{
    uint32_t all = 0, wrong = 0;
    for (uint32_t k = 0; k < CHECK_BLOCKS; k += GLANCE_STEP) {
        const struct print_frame *f = &l->library->all[place - 2 * k];
        all += (uint32_t)__builtin_popcount(f->mask);
        wrong += (uint32_t)__builtin_popcount((f->bits ^ l->bits[(l->block - k) % RING]) & f->mask);
    }
    if ((float)wrong > GLANCE_WRONG * (float)all)
        return false;
    uint64_t sum = count_blocks(l, place, 0, 0, CHECK_BLOCKS);
    return (float)(uint32_t)sum <= CHECK_WRONG * (float)(sum >> 32);
}

static struct hypothesis *hypothesis_for(struct listener *l, uint32_t recording, float fit)
{
    struct hypothesis *weakest = NULL;
    for (unsigned i = 0; i < l->hypotheses; i++) {
        struct hypothesis *h = &l->hypothesis[i];
        if (h->recording == recording)
            return h;
        if (!weakest || h->fit < weakest->fit)
            weakest = h;
    }
    if (l->hypotheses < HYPOTHESES) {
        if (!l->hypotheses)
            l->first_fit = l->block;
        weakest = &l->hypothesis[l->hypotheses++];
    } else if (weakest->fit >= fit) {
        return NULL;
    }
    *weakest = (struct hypothesis){.recording = (uint16_t)recording};
    return weakest;
}

static void consider(struct listener *l, uint32_t place)
{
    uint32_t recording = prints_recording_at(l->library, place);
    for (unsigned i = 0; i < l->hypotheses; i++) /* looked at anyway, in decide */
        if (l->hypothesis[i].recording == recording && l->hypothesis[i].place - place + 4 < 9)
            return;
    if (l->comparisons >= COMPARISONS_MAX) {
        l->work.skipped++;
        return;
    }
    if (compare(l, place, 0).fit <= 0) /* beyond WRONG_MAX: no neighbour of it would do */
        return;
    l->comparisons++;
    struct fit f = compare_around(l, &place);
    if (f.fit < FIT_MIN)
        return;
    struct hypothesis *h = hypothesis_for(l, recording, f.fit);
    if (h && h->fit < f.fit) {
        h->place = place;
        h->fit = f.fit;
        h->blocks = (uint16_t)f.blocks;
        h->wrong = (float)f.wrong / (float)f.all;
    }
}

static void look_up(struct listener *l, uint32_t key, uint32_t *budget)
{
    const struct prints *p = l->library;
    uint32_t b = print_bucket(p, key);
    for (uint32_t i = p->bucket[b]; i < p->bucket[b + 1]; i++) {
        if (p->key[i].key != key)
            continue;
        if (!*budget) {
            l->work.skipped++;
            return;
        }
        --*budget;
        l->work.candidates++;
        if (glance(l, p->key[i].at))
            consider(l, p->key[i].at);
    }
}

/* The weakest of those bits, as masks of one. */
static void weakest(const float strength[EAR_BITS], uint32_t bits, uint32_t flip[FLIPS])
{
    float least[FLIPS];
    unsigned n = 0;
    for (unsigned k = 0; k < EAR_BITS; k++) {
        if (!(bits >> k & 1))
            continue;
        float s = strength[k] < 0 ? -strength[k] : strength[k];
        unsigned at = n < FLIPS ? n++ : FLIPS;
        for (; at && s < least[at - 1]; at--)
            if (at < FLIPS) {
                least[at] = least[at - 1];
                flip[at] = flip[at - 1];
            }
        if (at < FLIPS) {
            least[at] = s;
            flip[at] = 1u << k;
        }
    }
}

static void look_up_all(struct listener *l, const float strength[EAR_BITS])
{
    uint32_t flip[FLIPS];
    uint32_t budget = CANDIDATES_MAX;
    uint32_t bits = l->bits[l->block % RING];
    l->work.lookups++;
    for (unsigned table = 0; table < PRINT_TABLES; table++) {
        weakest(strength, print_table[table], flip);
        for (unsigned set = 0; set < 1u << FLIPS; set++) {
            uint32_t b = bits;
            for (unsigned i = 0; i < FLIPS; i++)
                b ^= set >> i & 1 ? flip[i] : 0;
            look_up(l, print_key_of(table, b), &budget);
        }
    }
}

/* Compares the hypotheses again and forgets those that fit no longer. */
static void look_again(struct listener *l)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < l->hypotheses; i++) {
        struct hypothesis h = l->hypothesis[i];
        struct fit f = compare_around(l, &h.place);
        if (f.fit < 0.8f * FIT_MIN)
            continue;
        h.fit = f.fit;
        h.blocks = (uint16_t)f.blocks;
        h.wrong = (float)f.wrong / (float)f.all;
        l->hypothesis[kept++] = h;
    }
    l->hypotheses = (uint8_t)kept;
}

static bool clearly_better(const struct hypothesis *a, const struct hypothesis *b)
{
    return a->wrong + 0.05f < b->wrong || (a->fit > 1.3f * b->fit && a->wrong < b->wrong + 0.02f);
}

static bool same_result(const struct listener *l, const struct hypothesis *a,
                        const struct hypothesis *b)
{
    const struct print_recording *r = l->library->recording;
    return strcmp(r[a->recording].info.result, r[b->recording].info.result) == 0;
}

/* Blocks from the first fit on that two wait for each other: full time, if the library has any
 * difference between them in what was heard or what would come meanwhile. */
static uint32_t patience(const struct listener *l, const struct hypothesis *a,
                         const struct hypothesis *b)
{
    uint32_t back = 2u * DECIDE_MIN, ahead = 2u * UNSURE_BLOCKS;
    const struct print_frame *x = l->library->all + a->place, *y = l->library->all + b->place;
    uint32_t last = a->place > b->place ? a->place : b->place;
    uint32_t left = l->library->all_count - 1 - last;
    struct print_difference d = print_differ(x - back, y - back, back + 1);
    if (d.all < PRINT_ALIKE_BITS || (float)d.wrong > PRINT_ALIKE * (float)d.all)
        return UNSURE_BLOCKS;
    d = print_differ(x + 1, y + 1, left < ahead ? left : ahead);
    if ((float)d.wrong <= PRINT_ALIKE * (float)d.all)
        return SETTLE_BLOCKS;
    return same_result(l, a, b) ? SOON_BLOCKS : UNSURE_BLOCKS;
}

/* The hypothesis that is better than all others, if it is news; NULL: wait. *sure tells whether it
 * is clearly better. */
static const struct hypothesis *choose(const struct listener *l, bool *sure)
{
    uint32_t wait = 0;
    const struct hypothesis *best = &l->hypothesis[0];
    for (unsigned i = 1; i < l->hypotheses; i++)
        if (l->hypothesis[i].wrong < best->wrong)
            best = &l->hypothesis[i];
    bool said = false; /* the one named last is among them */
    *sure = true;
    for (unsigned i = 0; i < l->hypotheses; i++) {
        said |= l->hypothesis[i].recording == l->reported;
        if (&l->hypothesis[i] == best || clearly_better(best, &l->hypothesis[i]))
            continue;
        *sure = false;
        uint32_t w = patience(l, best, &l->hypothesis[i]);
        wait = w > wait ? w : wait;
    }
    if (best->recording == l->reported)
        return NULL;
    return *sure || (!said && l->block - l->first_fit >= wait) ? best : NULL;
}

/* Whether enough of it was heard: siblings may begin alike. */
static bool heard_enough(const struct listener *l, const struct hypothesis *h)
{
    const struct print_recording *r = &l->library->recording[h->recording];
    uint32_t needed = r->frames - 10 < DECIDE_FRAMES ? r->frames - 10 : DECIDE_FRAMES;
    return h->fit >= DECIDE_FIT && h->wrong <= DECIDE_WRONG && h->blocks >= DECIDE_MIN &&
           h->place + 1 - r->start >= needed;
}

static bool decide(struct listener *l, uint32_t now_ms, struct print_match *match)
{
    if (!l->hypotheses || l->block - l->first_fit < SETTLE_BLOCKS || l->block % LOOK_EVERY)
        return false;
    look_again(l);
    bool sure;
    const struct hypothesis *h = l->hypotheses ? choose(l, &sure) : NULL;
    if (!h || !heard_enough(l, h))
        return false;
    uint32_t heard = h->blocks + (uint32_t)EAR_BLOCKS; /* blocks, the first bits' own included */
    heard = heard < l->filled ? heard : l->filled;
    uint32_t heard_ms = heard * DSP_BLOCK_MS;
    uint32_t start = l->library->recording[h->recording].start;
    uint32_t offset = h->place + 1 > start ? h->place + 1 - start : 0;
    uint32_t frames = l->library->recording[h->recording].frames;
    *match = (struct print_match){.recording = h->recording,
                                  .offset_frames = (uint16_t)(offset < frames ? offset : frames),
                                  .start_ms = now_ms > heard_ms ? now_ms - heard_ms : 0,
                                  .confidence = sure ? 1.0f - 0.5f * h->wrong : 0.5f};
    l->reported = h->recording;
    l->hypothesis[0] = *h; /* stays: its siblings must fit better than it does */
    l->hypotheses = 1;
    return true;
}

bool prints_run(struct prints_leg *s, uint32_t now_ms, struct print_match *match)
{
    struct listener *l = listener_of(s);
    float strength[EAR_BITS];
    uint32_t bits = 0;
    bool fresh = l->fresh;

    if (!fresh)
        ear_hold(&l->ear);
    l->fresh = false;
    l->block++;
    l->work.blocks++;
    l->filled += l->filled < RING;
    l->comparisons = 0;
    for (unsigned i = 0; i < l->hypotheses; i++)
        l->hypothesis[i].place += 2;
    ear_strengths(&l->ear, strength);
    for (unsigned k = 0; k < EAR_BITS; k++)
        bits |= (uint32_t)(strength[k] > 0) << k;
    l->bits[l->block % RING] = bits;
    if (fresh && l->filled >= COMPARE_MIN && ear_loudness(&l->ear) >= GATE && l->library->key_count)
        look_up_all(l, strength);
    return decide(l, now_ms, match);
}
