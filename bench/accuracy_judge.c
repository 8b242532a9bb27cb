/* One sound: down the line, into the detectors, and what they say against the labels. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "bench/accuracy.h"
#include "media/plc.h"
#include "media/recording.h"

#define EVENTS_MAX    8192
#define CONCEALED_MAX 5 /* blocks in a row; then there is no RTP, as in a call */
#define FULL_SCALE_DB 84.02
#define COMFORT_DBM0  (-62.0)
#define DOUBLED_MS    1000

struct said {
    struct dsp_event e;
    uint32_t at_ms;
};

struct hearing {
    struct said at[EVENTS_MAX];
    uint32_t n;
};

static double rms_of_dbm0(double dbm0)
{
    return pow(10, (dbm0 + FULL_SCALE_DB) / 20);
}

/* ---- the line ---- */

/* Level of what sounds: blocks within 25 dB of the loudest. */
static double sounding_rms(const float *s, size_t n)
{
    double loudest = 0, sum = 0, blocks = 0;

    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i + 160 <= n; i += 160) {
            double power = 0;

            for (size_t k = i; k < i + 160; k++)
                power += (double)s[k] * (double)s[k] / 160;
            if (pass == 0)
                loudest = power > loudest ? power : loudest;
            else if (power > loudest / 316) {
                sum += power;
                blocks++;
            }
        }
    return blocks > 0 ? sqrt(sum / blocks) : 1;
}

/* Speech-like bursts of our own side, a quarter of a second late and quieter. */
static void add_echo(float *s, size_t n, double below_db, struct rng *r)
{
    double y = 0, envelope = 0, want = 0, phase = 0;
    double rms = rms_of_dbm0(-15 - below_db);

    for (size_t i = 2000; i < n; i++) {
        if (i % 1600 == 0)
            want = rng_unit(r) < 0.6 ? 1 : 0;
        envelope += (want - envelope) * 0.002;
        phase += 140.0 / 8000;
        y = 0.9 * y + (phase >= 1 ? 8 : 0.3 * rng_uniform(r, -1, 1));
        phase -= phase >= 1 ? 1 : 0;
        s[i] += (float)(rms * envelope * y / 2.5);
    }
}

static void impair(const struct acc_line *l, float *s, size_t n, struct rng *r)
{
    double gain = pow(10, l->gain_db / 20), noise = 0;

    if (l->noise_dbm0 < 0)
        noise = rms_of_dbm0(l->noise_dbm0) * sqrt(3);
    if (l->snr_db > 0)
        noise = sounding_rms(s, n) * gain * pow(10, -l->snr_db / 20) * sqrt(3);
    if (l->echo_db > 0)
        add_echo(s, n, l->echo_db, r);
    double clip = l->clip_dbm0 < 0 ? rms_of_dbm0(l->clip_dbm0) * sqrt(2) : 32767;

    for (size_t i = 0; i < n; i++) {
        double v = s[i] * gain + (noise > 0 ? noise * rng_uniform(r, -1, 1) : 0);

        s[i] = (float)(v > clip ? clip : v < -clip ? -clip : v);
    }
}

static void through_g711(int16_t *pcm, bool alaw)
{
    uint8_t code[DSP_BLOCK_SAMPLES];

    if (alaw) {
        dsp_alaw_encode(pcm, code, DSP_BLOCK_SAMPLES);
        dsp_alaw_decode(code, pcm, DSP_BLOCK_SAMPLES);
    } else {
        dsp_ulaw_encode(pcm, code, DSP_BLOCK_SAMPLES);
        dsp_ulaw_decode(code, pcm, DSP_BLOCK_SAMPLES);
    }
}

/* Two states: packets come, packets are lost. */
static bool next_lost(const struct acc_line *l, bool lost, struct rng *r)
{
    double mean = l->burst >= 1 ? l->burst : 1;

    if (l->loss <= 0)
        return false;
    if (lost && mean > 1)
        return rng_unit(r) >= 1 / mean;
    return rng_unit(r) < (mean > 1 ? l->loss / (mean * (1 - l->loss)) : l->loss);
}

static void send_packets(struct recording *rec, const struct acc_line *l, struct rng *r)
{
    struct plc plc = {0};
    uint32_t run = 0;
    bool lost = false;

    for (uint32_t i = 0; i < rec->blocks; i++) {
        int16_t *pcm = rec->pcm + (size_t)i * DSP_BLOCK_SAMPLES, *next = plc_next(&plc);

        lost = next_lost(l, lost, r);
        run = lost ? run + 1 : 0;
        if (lost) {
            plc_lost(&plc);
            memcpy(pcm, plc_block(&plc), DSP_BLOCK_SAMPLES * sizeof(*pcm));
            rec->flags[i] = run > CONCEALED_MAX ? DSP_FLAG_NO_RTP : DSP_FLAG_LOST;
            continue;
        }
        through_g711(pcm, l->alaw);
        memcpy(next, pcm, DSP_BLOCK_SAMPLES * sizeof(*pcm));
        plc_good(&plc);
    }
}

/* What the carrier sends before the callee's sound: zeros, then comfort noise. */
static size_t lead_in(const struct acc_line *l, struct rng *r, size_t *zeros)
{
    double zero = l->zero_ms[1] ? rng_uniform(r, l->zero_ms[0], l->zero_ms[1]) : 0;
    double comfort = l->comfort_ms[1] ? rng_uniform(r, l->comfort_ms[0], l->comfort_ms[1]) : 0;

    *zeros = (size_t)zero * 8;
    return *zeros + (size_t)comfort * 8;
}

bool acc_line_record(struct recording *rec, const struct acc_line *l, struct acc_sound *s,
                     struct rng *r, uint32_t *lead_ms)
{
    size_t zeros, lead = lead_in(l, r, &zeros), total = lead + s->n;
    int16_t *pcm = calloc(total ? total : 1, sizeof(*pcm));
    double comfort = rms_of_dbm0(COMFORT_DBM0) * sqrt(3);

    if (!pcm)
        return false;
    impair(l, s->s, s->n, r);
    for (size_t i = zeros; i < lead; i++)
        pcm[i] = (int16_t)lrint(comfort * rng_uniform(r, -1, 1));
    for (size_t i = 0; i < s->n; i++)
        pcm[lead + i] = (int16_t)lrintf(s->s[i] > 32767    ? 32767
                                        : s->s[i] < -32768 ? -32768
                                                           : s->s[i]);
    *lead_ms = (uint32_t)(lead / 8);
    bool ok = recording_from_pcm(rec, pcm, total) == OK;

    free(pcm);
    if (ok && s->tail_ms && recording_extend(rec, s->tail_ms) != OK) {
        recording_free(rec);
        return false;
    }
    if (ok)
        send_packets(rec, l, r);
    return ok;
}

/* ---- matching ---- */

static bool is_call(enum acc_kind k)
{
    return k >= ACC_HUMAN;
}

static bool kind_of(const struct dsp_event *e, enum acc_kind *out)
{
    static const int8_t kinds[DSP_KIND_COUNT] = {
        [DSP_DTMF] = ACC_DTMF + 1,         [DSP_RINGBACK] = ACC_RING + 1,
        [DSP_BUSY] = ACC_BUSY + 1,         [DSP_REORDER] = ACC_REORDER + 1,
        [DSP_SIT] = ACC_SIT + 1,           [DSP_DIAL_TONE] = ACC_DIAL + 1,
        [DSP_CNG] = ACC_CNG + 1,           [DSP_CED] = ACC_CED + 1,
        [DSP_CLIPPING] = ACC_CLIPPING + 1, [DSP_ECHO] = ACC_ECHO + 1,
        [DSP_MODEM] = ACC_MODEM + 1,       [DSP_PREAMBLE] = ACC_PREAMBLE + 1,
        [DSP_BEEP] = ACC_BEEP + 1,         [DSP_SPEECH_END] = ACC_SPEECH + 1,
    };

    if (e->kind >= DSP_KIND_COUNT || kinds[e->kind] == 0)
        return false;
    *out = (enum acc_kind)(kinds[e->kind] - 1);
    return true;
}

static bool overlaps(const struct acc_label *l, const struct dsp_event *e)
{
    return e->start_ms <= l->end_ms + ACC_SLACK_MS && e->end_ms + ACC_SLACK_MS >= l->start_ms;
}

static bool same_digit(const struct acc_label *l, const struct dsp_event *e)
{
    return l->kind != ACC_DTMF || l->detail[0] == 0 || l->detail[0] == (char)e->detail;
}

/* The best label of the event: one of its kind that is not met yet, else one that is. */
static struct acc_label *label_of(struct acc_sound *s, enum acc_kind k, const struct dsp_event *e)
{
    struct acc_label *found = NULL;

    for (uint32_t i = 0; i < s->labels; i++) {
        struct acc_label *l = &s->label[i];

        if (l->kind != k || !overlaps(l, e) || !same_digit(l, e))
            continue;
        if (!l->met)
            return l;
        found = l;
    }
    return found;
}

void acc_delay(struct acc_tally *t, float from_start_ms, float from_end_ms)
{
    if (t->delays == ACC_DELAYS_MAX)
        return;
    if (!t->from_start_ms) {
        t->from_start_ms = calloc(ACC_DELAYS_MAX, sizeof(float));
        t->from_end_ms = calloc(ACC_DELAYS_MAX, sizeof(float));
    }
    if (!t->from_start_ms || !t->from_end_ms)
        return;
    t->from_start_ms[t->delays] = from_start_ms;
    t->from_end_ms[t->delays++] = from_end_ms;
}

static void add_delay(struct acc_tally *t, const struct acc_label *l, uint32_t at_ms)
{
    acc_delay(t, (float)at_ms - (float)l->start_ms, (float)at_ms - (float)l->end_ms);
}

static void mistake(struct acc *a, const struct acc_condition *c, const struct acc_sound *s,
                    const char *what, enum acc_kind k, const char *detail, uint32_t start_ms,
                    uint32_t end_ms)
{
    if (a->mistakes)
        fprintf(a->mistakes, "%s,%s,%s,%s,%s,%u,%u,%s\n", c->set, c->name, s->file ? s->file : "",
                what, acc_kind_name(k), start_ms, end_ms, detail);
}

/* What a special information tone or an answer tone is, besides. */
static void count_detail(struct acc_tally *t, const struct acc_label *l, const struct dsp_event *e)
{
    if ((l->kind != ACC_SIT && l->kind != ACC_CED) || l->detail[0] == 0)
        return;
    t->detail_asked++;
    /* "ro" is right for ro_intra and ro_inter. */
    if (l->kind == ACC_SIT)
        t->detail_right +=
            strncmp(dsp_sit_name((enum dsp_sit)e->detail), l->detail, strlen(l->detail)) == 0;
    else
        t->detail_right += strcmp(dsp_answer_name((enum dsp_answer)e->detail), l->detail) == 0;
}

static bool has_label(const struct acc_sound *s, enum acc_kind k)
{
    for (uint32_t i = 0; i < s->labels; i++)
        if (s->label[i].kind == k)
            return true;
    return false;
}

static void match(struct acc *a, struct acc_condition *c, struct acc_sound *s,
                  const struct said *said)
{
    const struct dsp_event *e = &said->e;
    enum acc_kind k;

    if (!kind_of(e, &k))
        return;
    struct acc_tally *t = &c->tally[k];
    struct acc_label *l = label_of(s, k, e);

    if (l && !l->met) {
        l->met = true;
        t->hits++;
        add_delay(t, l, said->at_ms);
        count_detail(t, l, e);
        return;
    }
    /* Tones are said once a cycle; speech of many files is not labelled at all; greetings of
     * unknown make may end in a beep that nobody labelled. */
    if (k == ACC_SPEECH || (l && k != ACC_DTMF && k != ACC_BEEP && k != ACC_SIT))
        return;
    if (k == ACC_BEEP && !has_label(s, ACC_BEEP) && has_label(s, ACC_MACHINE))
        return;
    t->wrong++;
    t->doubled += l && k == ACC_DTMF;
    mistake(a, c, s, l ? "doubled" : "false", k, "", e->start_ms, e->end_ms);
}

static void judge_verdict(struct acc *a, struct acc_condition *c, const struct acc_sound *s,
                          const struct acc_label *truth, const struct said *v)
{
    const char *said = v ? dsp_verdict_name((enum dsp_verdict)v->e.detail) : "none";
    enum acc_kind k;

    c->confusion[truth->kind][v && v->e.detail < ACC_VERDICTS ? v->e.detail : 0]++;
    if (acc_kind_parse(said, &k) && is_call(k)) {
        if (k == truth->kind) {
            c->tally[k].hits++;
            add_delay(&c->tally[k], truth, v->at_ms);
            return;
        }
        c->tally[k].wrong++;
    }
    mistake(a, c, s, said, truth->kind, truth->detail, truth->start_ms, v ? v->at_ms : 0);
}

static const struct acc_label *call_label(const struct acc_sound *s)
{
    for (uint32_t i = 0; i < s->labels; i++)
        if (is_call(s->label[i].kind))
            return &s->label[i];
    return NULL;
}

static void match_all(struct acc *a, struct acc_condition *c, struct acc_sound *s,
                      const struct hearing *h)
{
    const struct acc_label *truth = call_label(s);
    const struct said *verdict = NULL;

    for (uint32_t i = 0; i < h->n; i++) {
        if (h->at[i].e.kind == DSP_VERDICT && !verdict)
            verdict = &h->at[i];
        match(a, c, s, &h->at[i]);
    }
    for (uint32_t i = 0; i < s->labels; i++) {
        const struct acc_label *l = &s->label[i];

        if (is_call(l->kind) && l != truth)
            continue;
        c->tally[l->kind].labels++;
        if (!l->met && !is_call(l->kind) && l->kind != ACC_MUSIC)
            mistake(a, c, s, "miss", l->kind, l->detail, l->start_ms, l->end_ms);
    }
    if (truth)
        judge_verdict(a, c, s, truth, verdict);
}

static void on_heard(void *arg, const struct dsp_event *e, uint32_t at_ms)
{
    struct hearing *h = arg;

    if (h->n < EVENTS_MAX)
        h->at[h->n++] = (struct said){*e, at_ms};
}

/* Two files back to back: the one before, which is said, and the present one in its last line. */
static struct {
    struct recording said, heard;
    char file[256]; /* of heard */
} talk;

static const struct recording *talk_over(const struct acc *a, const struct acc_sound *s)
{
    if (!a->talk_over)
        return NULL;
    if (strcmp(talk.file, s->file) != 0) {
        if (talk.said.blocks)
            recording_free(&talk.said);
        talk.said = talk.heard;
        talk.heard = (struct recording){0};
        snprintf(talk.file, sizeof(talk.file), "%s", s->file);
    }
    return talk.said.blocks ? &talk.said : NULL;
}

static void talk_keep(const struct acc *a, struct recording *rec)
{
    if (a->talk_over && talk.heard.blocks)
        recording_free(&talk.heard);
    if (a->talk_over)
        talk.heard = *rec;
    else
        recording_free(rec);
}

bool acc_judge(struct acc *a, struct acc_condition *c, const struct acc_line *line,
               struct acc_sound *s)
{
    static struct hearing h;
    struct recording rec;
    struct rng r;
    uint32_t lead_ms = 0;
    const char *plan = s->plan ? s->plan : a->plan;

    rng_seed_stream(&r, a->seed, slice_cstr(line->name), s->seed);
    if (!acc_line_record(&rec, line, s, &r, &lead_ms))
        return false;
    for (uint32_t i = 0; i < s->labels; i++) {
        s->label[i].met = false;
        s->label[i].end_ms += lead_ms;
        /* The call is answered before the carrier's silence, which is what it is waited through. */
        s->label[i].start_ms += is_call(s->label[i].kind) ? 0 : lead_ms;
    }
    const struct acc_label *call = call_label(s);
    struct recording_line how = {.plan = dsp_plan_find(plan),
                                 .answered_ms = call ? call->start_ms : 0};

    if (a->peer)
        a->peer(a->peer_arg, rec.pcm, (size_t)rec.blocks * DSP_BLOCK_SAMPLES);
    how.ours = talk_over(a, s);
    h.n = 0;
    recording_hear(&rec, &how, on_heard, NULL, &h);
    match_all(a, c, s, &h);
    c->hours += rec.blocks * (double)DSP_BLOCK_MS / 3.6e6;
    c->files++;
    talk_keep(a, &rec);
    return true;
}
