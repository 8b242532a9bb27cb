/* `peal listen`: what the engine's detectors hear in a recording, when they say it, and what the
 * call would have been judged as. Runs faster than time; nothing is dialled or sent. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "cli.h"
#include "cli_listen.h"

#define TAIL_DEFAULT_MS 3000
#define MS_MAX          (RECORDING_SECONDS_MAX * 1000u)

static const char help[] =
    "usage: peal listen FILE [--plan NAME] [--channel N] [--ours N] [--answered-at MS|never]\n"
    "                   [--tail MS] [--prints LIB] [--json] [--plot OUT.html]\n"
    "\n"
    "Runs the engine's own detectors over a recording and prints a time line of all that is heard\n"
    "and the verdict, with times and confidence.\n"
    "\n"
    "  FILE              WAV (PCM 16 bit, µ-law or A-law; 8, 16 kHz and others), or a packet\n"
    "                    capture (pcap, pcapng) with RTP in PCMU or PCMA; missing packets are\n"
    "                    concealed as in a call, RFC 4733 keys are shown\n"
    "  --plan NAME       the country's network tones: us (default), gb, ru, cz, si, de, at, fr,\n"
    "                    itu; or a file of your own (docs/TONE-PLANS.md)\n"
    "  --channel N       1 or 2 of a stereo file (default 1; 0 mixes both); of a capture the\n"
    "                    stream to hear (default: the one with most sound; all are listed)\n"
    "  --ours N          the channel or stream with what we sent meanwhile: echo of it and audio\n"
    "                    that comes one way only are told then\n"
    "  --answered-at MS  when the call was answered: what is before it is early media, and the\n"
    "                    verdict's clock starts there (default 0). \"never\": all early media\n"
    "  --tail MS         the line stays open and quiet for so long after the recording, so that\n"
    "                    a verdict that waits for silence can come (default 3000). 0: the call\n"
    "                    ended with the recording\n"
    "  --prints LIB      also known recordings of this library (peal prints), by their id\n"
    "  --json            one JSON object a line: kind, at_ms (when it was said), start_ms,\n"
    "                    end_ms, detail, freq_hz, level_dbm0, confidence. The last line has kind\n"
    "                    \"verdict\", the verdict (human, machine, … or none), what it rests on\n"
    "                    (speech_ms heard by then, silence_ms since) and the result label\n"
    "  --plot OUT.html   also a page with spectrogram, level, events and verdict over time; it\n"
    "                    needs nothing but a browser\n"
    "\n"
    "Times are milliseconds from the beginning of the recording. Exit code 0; 1 when the file\n"
    "cannot be read; 2 for wrong use.\n"
    "\n"
    "examples:\n"
    "  peal listen answer.wav\n"
    "  peal listen call.wav --channel 2 --plan ru --answered-at 8200 --plot call.html\n"
    "  peal listen trunk.pcap --json | tail -n 1\n";

struct options {
    const char *path, *plan, *plot, *prints;
    uint32_t channel, ours, answered_ms, tail_ms;
    const struct dsp_plan *tones;
    bool channel_said, json;
};

/* ---- hearing ---- */

static void on_heard(void *arg, const struct dsp_event *e, uint32_t at_ms)
{
    struct findings *f = arg;
    bool after = f->answered_ms != RECORDING_NEVER && e->start_ms >= f->answered_ms;

    if (e->kind == DSP_VERDICT)
        f->verdict = (struct finding){*e, at_ms};
    if (e->kind == DSP_BEEP && after && !f->beep_ms)
        f->beep_ms = e->end_ms;
    if (f->n == FINDINGS_MAX)
        f->dropped++;
    else
        f->at[f->n++] = (struct finding){*e, at_ms};
}

static void on_block(void *arg, const struct dsp_state *s, uint32_t at_ms)
{
    struct findings *f = arg;

    float machine = dsp_state_machine(s);
    bool judging = f->verdict.event.kind != DSP_VERDICT && machine >= 0;

    f->level_ddb[at_ms / DSP_BLOCK_MS - 1] = dsp_state_level(s);
    f->machine[at_ms / DSP_BLOCK_MS - 1] = judging ? (int8_t)(machine * 100 + 0.5f) : -1;
}

/* The keys of the capture take their place among what was heard. */
static void add_keys(struct findings *f)
{
    const struct recording *r = f->recording;

    for (uint32_t i = 0; i < r->keys; i++) {
        const struct recording_key *k = &r->key[i];
        struct finding key = {.event = {.kind = DSP_DTMF,
                                        .detail = (uint8_t)k->digit,
                                        .confidence = 1,
                                        .start_ms = k->start_ms,
                                        .end_ms = k->end_ms},
                              .at_ms = k->start_ms};
        uint32_t at = f->n;

        if (f->n == FINDINGS_MAX) {
            f->dropped++;
            continue;
        }
        while (at > 0 && f->at[at - 1].at_ms > key.at_ms)
            at--;
        memmove(&f->at[at + 1], &f->at[at], (f->n - at) * sizeof(*f->at));
        f->at[at] = key;
        f->n++;
    }
}

/* ---- the result, as a call's record would have it ---- */

/* The result that the library gives for the recording; evidence keeps it as its detail. */
static uint8_t known_result(const struct findings *f, const struct dsp_event *e)
{
    enum result result = RESULT_NONE;

    if (f->prints && e->freq_hz[0] < prints_count(f->prints))
        result_parse(slice_cstr(prints_info_of(f->prints, e->freq_hz[0])->result), &result);
    return (uint8_t)result;
}

static void add_evidence(struct call_record *r, const struct findings *f, const struct dsp_event *d)
{
    uint32_t answered_ms = f->answered_ms;
    bool verdict = d->kind == DSP_VERDICT;
    bool stretch = d->kind == DSP_SILENCE || d->kind == DSP_DEAD_AIR;
    struct evidence e = {.kind = verdict ? EVIDENCE_VERDICT : EVIDENCE_HEARD,
                         .code = verdict ? d->detail : d->kind,
                         .detail = d->kind == DSP_KNOWN ? known_result(f, d) : d->detail,
                         .freq_hz = {d->freq_hz[0], d->freq_hz[1]},
                         .level_ddb = d->level_ddb,
                         .confidence = d->confidence,
                         .start_ms = d->start_ms,
                         .end_ms = d->end_ms};
    struct evidence *last = r->evidence_count ? &r->evidence[r->evidence_count - 1] : NULL;

    e.early = !verdict &&
              (answered_ms == RECORDING_NEVER || (stretch ? e.end_ms : e.start_ms) < answered_ms);
    /* A stretch of silence is said again while it lasts. */
    if (last && last->kind == e.kind && last->code == e.code && last->start_ms == e.start_ms &&
        last->early == e.early)
        *last = e;
    else
        call_record_add(r, &e);
}

static enum result judge(const struct findings *f)
{
    static struct call_record r;
    const struct recording *rec = f->recording;
    uint32_t first = f->answered_ms == RECORDING_NEVER ? 0 : f->answered_ms / DSP_BLOCK_MS;

    call_record_init(&r);
    r.at_ms[MARK_FIRST_1XX] = 0;
    r.at_ms[MARK_END] = rec->blocks * DSP_BLOCK_MS;
    r.ended_by = ENDED_BY_US;
    r.cancelled = f->answered_ms == RECORDING_NEVER;
    if (f->answered_ms != RECORDING_NEVER)
        r.at_ms[MARK_ANSWERED] = f->answered_ms;
    while (first < rec->blocks && (rec->flags[first] & DSP_FLAG_NO_RTP))
        first++;
    if (first < rec->blocks && !r.cancelled)
        r.at_ms[MARK_FIRST_RTP] = first * DSP_BLOCK_MS;
    for (uint32_t i = 0; i < f->n; i++)
        if (f->at[i].event.kind != DSP_DTMF)
            add_evidence(&r, f, &f->at[i].event);
    return result_decide(&r);
}

static bool hear(struct findings *f, const struct dsp_plan *plan)
{
    struct recording_line line = {.plan = plan, .answered_ms = f->answered_ms, .ours = f->ours};
    struct prints_leg leg;

    f->at = malloc(FINDINGS_MAX * sizeof(*f->at));
    f->level_ddb = calloc(f->recording->blocks, sizeof(*f->level_ddb));
    f->machine = calloc(f->recording->blocks, sizeof(*f->machine));
    if (!f->at || !f->level_ddb || !f->machine) {
        fputs("peal listen: no memory for the time line\n", stderr);
        return false;
    }
    if (f->prints) {
        prints_leg_init(&leg, f->prints);
        line.prints = &leg;
    }
    recording_hear(f->recording, &line, on_heard, on_block, f);
    add_keys(f);
    f->result = judge(f);
    return true;
}

/* ---- printing ---- */

const char *finding_detail(const struct findings *f, const struct dsp_event *e, char text[2])
{
    text[0] = (char)e->detail;
    text[1] = 0;
    switch ((enum dsp_kind)e->kind) {
    case DSP_DTMF:
        return text;
    case DSP_KNOWN:
        return f->prints && e->freq_hz[0] < prints_count(f->prints)
                   ? prints_info_of(f->prints, e->freq_hz[0])->id
                   : "";
    default:
        return dsp_detail_name((enum dsp_kind)e->kind, e->detail);
    }
}

static void print_json_line(struct buf *out)
{
    printf(SLICE_FMT "\n", SLICE_ARG(buf_slice(out)));
}

static void put_common(struct json *j, const struct finding *x)
{
    const struct dsp_event *e = &x->event;

    json_u64(j, "at_ms", x->at_ms);
    json_u64(j, "start_ms", e->start_ms);
    json_u64(j, "end_ms", e->end_ms);
    json_num(j, "confidence", (double)(int)((double)e->confidence * 1000 + 0.5) / 1000);
}

/* Of some kinds of events they are other numbers (dsp/dsp.h). */
static bool has_frequencies(const struct dsp_event *e)
{
    return e->kind != DSP_KNOWN && e->kind != DSP_ECHO && e->kind != DSP_VERDICT;
}

static void event_as_json(const struct findings *f, const struct finding *x)
{
    const struct dsp_event *e = &x->event;
    char room[512], text[2];
    struct buf out = buf_on(room, sizeof(room));
    struct json j;

    json_init(&j, &out);
    json_begin_object(&j, NULL);
    json_cstr(&j, "kind", dsp_kind_name((enum dsp_kind)e->kind));
    put_common(&j, x);
    json_cstr(&j, "detail", finding_detail(f, e, text));
    json_begin_array(&j, "freq_hz");
    for (int i = 0; i < 2 && e->freq_hz[i] && has_frequencies(e); i++)
        json_u64(&j, NULL, e->freq_hz[i]);
    json_end(&j);
    if (e->kind == DSP_ECHO) {
        json_u64(&j, "delay_ms", e->freq_hz[0]);
        json_u64(&j, "down_db", e->freq_hz[1]);
    }
    json_num(&j, "level_dbm0", e->level_ddb / 10.0);
    json_end(&j);
    print_json_line(&out);
}

static void verdict_as_json(const struct findings *f)
{
    char room[1024];
    struct buf out = buf_on(room, sizeof(room));
    struct json j;
    const struct finding *v = &f->verdict;
    bool decided = v->event.kind == DSP_VERDICT;

    json_init(&j, &out);
    json_begin_object(&j, NULL);
    json_cstr(&j, "kind", "verdict");
    json_cstr(&j, "verdict",
              decided ? dsp_verdict_name((enum dsp_verdict)v->event.detail) : "none");
    if (decided) {
        put_common(&j, v);
        json_u64(&j, "speech_ms", v->event.freq_hz[0]);
        json_u64(&j, "silence_ms", v->event.freq_hz[1]);
    } else {
        json_num(&j, "confidence", 0);
    }
    json_cstr(&j, "result", result_name(f->result));
    if (f->beep_ms)
        json_u64(&j, "beep_ms", f->beep_ms);
    if (f->answered_ms != RECORDING_NEVER)
        json_u64(&j, "answered_ms", f->answered_ms);
    json_u64(&j, "length_ms", f->recording->length_ms);
    json_u64(&j, "events", f->n + f->dropped);
    json_u64(&j, "events_dropped", f->dropped);
    json_end(&j);
    print_json_line(&out);
}

static void print_json(const struct findings *f)
{
    for (uint32_t i = 0; i < f->n; i++)
        if (f->at[i].event.kind != DSP_VERDICT)
            event_as_json(f, &f->at[i]);
    verdict_as_json(f);
}

static double seconds(uint32_t ms)
{
    return ms / 1000.0;
}

static void print_event(const struct findings *f, const struct finding *x)
{
    const struct dsp_event *e = &x->event;
    char text[2], freq[32] = "";

    if (e->kind == DSP_KNOWN)
        snprintf(freq, sizeof(freq), "%u ms into it", 10u * e->freq_hz[1]);
    else if (e->kind == DSP_ECHO)
        snprintf(freq, sizeof(freq), "%u ms, -%u dB", e->freq_hz[0], e->freq_hz[1]);
    else if (e->kind == DSP_VERDICT)
        snprintf(freq, sizeof(freq), "%u ms, %u quiet", e->freq_hz[0], e->freq_hz[1]);
    else if (e->freq_hz[0] && e->freq_hz[1])
        snprintf(freq, sizeof(freq), "%u+%u Hz", e->freq_hz[0], e->freq_hz[1]);
    else if (e->freq_hz[0])
        snprintf(freq, sizeof(freq), "%u Hz", e->freq_hz[0]);
    printf("%8.2f  %8.2f %8.2f  %-13s %-9s %-12s", seconds(x->at_ms), seconds(e->start_ms),
           seconds(e->end_ms), dsp_kind_name((enum dsp_kind)e->kind), finding_detail(f, e, text),
           freq);
    if (e->level_ddb && e->level_ddb > -990)
        printf(" %6.1f dBm0", e->level_ddb / 10.0);
    else
        printf(" %11s", "");
    printf("  %.2f\n", (double)e->confidence);
}

static void print_streams(const struct recording *r, FILE *to)
{
    for (uint32_t i = 0; r->streams > 1 && i < r->streams; i++)
        fprintf(to, "%s stream %u: %s, %.2f s, %.2f s of it sounding\n",
                i + 1 == r->channel ? "*" : " ", i + 1, r->stream[i].text,
                seconds(r->stream[i].length_ms), seconds(r->stream[i].sounding_ms));
}

static void print_text(const struct findings *f)
{
    const struct recording *r = f->recording;

    printf("%s: %.2f s", f->path, seconds(r->length_ms));
    if (r->is_capture)
        printf(", %s, %u packets lost", r->stream[r->channel - 1].text, r->lost_blocks);
    else
        printf(", %u Hz, %u channel%s", r->rate_hz, r->channels, r->channels > 1 ? "s" : "");
    printf("; tone plan %s; ", f->plan);
    if (f->answered_ms == RECORDING_NEVER)
        puts("never answered");
    else
        printf("answered at %.2f s\n", seconds(f->answered_ms));
    puts("\n    said     start      end  what                    frequency          level  sure");
    for (uint32_t i = 0; i < f->n; i++)
        print_event(f, &f->at[i]);
    if (f->dropped)
        printf("… and %u events more\n", f->dropped);
    if (f->verdict.event.kind == DSP_VERDICT)
        printf("\nverdict: %s (%.2f) at %.2f s, after %.2f s of speech and %.2f s of silence",
               dsp_verdict_name((enum dsp_verdict)f->verdict.event.detail),
               (double)f->verdict.event.confidence, seconds(f->verdict.at_ms),
               seconds(f->verdict.event.freq_hz[0]), seconds(f->verdict.event.freq_hz[1]));
    else
        printf("\nverdict: none was reached");
    if (f->beep_ms)
        printf("; beep ended at %.2f s", seconds(f->beep_ms));
    printf("\nresult:  %s\n", result_name(f->result));
}

/* ---- options ---- */

static bool parse_number(const char *option, const char *text, uint32_t max, uint32_t *out)
{
    uint64_t v;

    if (slice_u64(slice_cstr(text), max, &v) == OK) {
        *out = (uint32_t)v;
        return true;
    }
    fprintf(stderr, "peal listen: %s takes a whole number from 0 to %u, not '%s'\n", option, max,
            text);
    return false;
}

static bool parse_value(struct options *o, const char *option, const char *value)
{
    if (strcmp(option, "--plan") == 0)
        o->plan = value;
    else if (strcmp(option, "--plot") == 0)
        o->plot = value;
    else if (strcmp(option, "--prints") == 0)
        o->prints = value;
    else if (strcmp(option, "--channel") == 0) {
        o->channel_said = true;
        return parse_number(option, value, RECORDING_STREAMS_MAX, &o->channel);
    } else if (strcmp(option, "--ours") == 0)
        return parse_number(option, value, RECORDING_STREAMS_MAX, &o->ours);
    else if (strcmp(option, "--tail") == 0)
        return parse_number(option, value, 60000, &o->tail_ms);
    else if (strcmp(value, "never") == 0)
        o->answered_ms = RECORDING_NEVER;
    else
        return parse_number(option, value, MS_MAX, &o->answered_ms);
    return true;
}

static bool takes_value(const char *arg)
{
    static const char *const names[] = {"--plan", "--plot",        "--prints", "--channel",
                                        "--ours", "--answered-at", "--tail"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(arg, names[i]) == 0)
            return true;
    return false;
}

/* EXIT_DONE, or what to end with. */
static int parse(int argc, char **argv, struct options *o)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            o->json = true;
        } else if (takes_value(argv[i])) {
            if (i + 1 == argc)
                return cli_missing("listen", argv[i]);
            if (!parse_value(o, argv[i], argv[i + 1]))
                return EXIT_USAGE;
            i++;
        } else if (argv[i][0] == '-' || o->path) {
            return cli_unknown("listen", argv[i]);
        } else {
            o->path = argv[i];
        }
    }
    if (!o->path) {
        fputs("peal listen: which file? see peal listen --help\n", stderr);
        return EXIT_USAGE;
    }
    char error[DSP_PLAN_ERROR_MAX];
    enum err e = dsp_plan_open(o->plan, &o->tones, error);
    if (e == OK)
        return EXIT_DONE;
    fprintf(stderr, "peal listen: %s\n", error);
    return e == ERR_NOT_FOUND ? EXIT_USAGE : EXIT_FAILED;
}

static bool load(const struct options *o, struct recording *r)
{
    char message[RECORDING_ERROR_MAX];

    if (recording_load(r, o->path, o->channel, message) != OK) {
        fprintf(stderr, "peal listen: %s\n", message);
        return false;
    }
    if (!o->channel_said && r->channels > 1) {
        recording_free(r);
        if (recording_load(r, o->path, 1, message) != OK) {
            fprintf(stderr, "peal listen: %s\n", message);
            return false;
        }
        fputs("peal listen: two channels; channel 1 is heard, --channel 2 or 0 (mixed) for other\n",
              stderr);
    }
    print_streams(r, stderr);
    if (o->answered_ms != RECORDING_NEVER && o->answered_ms > r->length_ms) {
        fprintf(stderr, "peal listen: --answered-at %u is after the end of %s (%u ms)\n",
                o->answered_ms, o->path, r->length_ms);
        recording_free(r);
        return false;
    }
    if (o->tail_ms && recording_extend(r, o->tail_ms) != OK) {
        fputs("peal listen: no memory for the time after the recording\n", stderr);
        recording_free(r);
        return false;
    }
    return true;
}

/* r->blocks is 0 where nothing was asked for. */
static bool load_ours(const struct options *o, struct recording *r)
{
    char message[RECORDING_ERROR_MAX];

    *r = (struct recording){0};
    if (!o->ours || recording_load(r, o->path, o->ours, message) == OK)
        return true;
    fprintf(stderr, "peal listen: --ours %u: %s\n", o->ours, message);
    return false;
}

static bool load_prints(const struct options *o, struct prints **out)
{
    char error[PRINTS_ERROR_MAX];

    if (!o->prints || prints_load(out, o->prints, error) == OK)
        return true;
    fprintf(stderr, "peal listen: %s\n", error);
    return false;
}

static int listen(struct findings *f, const struct options *o)
{
    if (!hear(f, o->tones))
        return EXIT_FAILED;
    if (o->json)
        print_json(f);
    else
        print_text(f);
    if (fflush(stdout) != 0) {
        fputs("peal listen: the time line could not be written whole\n", stderr);
        return EXIT_FAILED;
    }
    return !o->plot || listen_plot(f, o->plot) ? EXIT_DONE : EXIT_FAILED;
}

int cli_listen(int argc, char **argv)
{
    struct options o = {.plan = "us", .tail_ms = TAIL_DEFAULT_MS};
    struct recording r, ours;
    struct prints *prints = NULL;
    int code;

    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            fputs(help, stdout);
            return EXIT_DONE;
        }
    code = parse(argc, argv, &o);
    if (code != EXIT_DONE)
        return code;
    if (!load(&o, &r))
        return EXIT_FAILED;
    struct findings f = {
        .path = o.path, .plan = o.plan, .recording = &r, .answered_ms = o.answered_ms};

    code = EXIT_FAILED;
    if (load_prints(&o, &prints) && load_ours(&o, &ours)) {
        f.prints = prints;
        f.ours = o.ours ? &ours : NULL;
        code = listen(&f, &o);
        if (o.ours)
            recording_free(&ours);
    }
    free(f.at);
    free(f.level_ddb);
    free(f.machine);
    prints_close(prints);
    recording_free(&r);
    return code;
}
