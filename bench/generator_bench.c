/* peal-bench generator: does the simulator keep its own time? peal-sim calls a far end that belongs
 * to nobody (sink.h), N calls with G.711 audio at once; SIPp does the same with rtp_stream, on the
 * same core, to the same far end, in the same run. Two ways to have N legs: all of them up for the
 * whole time, and calls of two seconds that come and go. The sink says what arrived when;
 * peal-sim's own report of its lateness stands beside. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/bench.h"
#include "bench/sink.h"
#include "dsp/dsp.h"

#define GENERATOR_CORE 0
#define SINK_CORE      1
#define LEGS_MAX       4000
#define RAMP_S         4.0 /* until all legs are up */
#define RAMP_LEAST     100 /* calls a second */
#define SETTLE_S       1.5
#define SHORT_S        2.0 /* a call that comes and goes */
#define SPARE_S        1.0
#define LIMIT_S        60.0
#define TONE_SAMPLES   8000
#define PACKETS_S      50.0
#define TARGET_LEGS    1000
#define TARGET_MS      4.0 /* lateness p99; twice that with twice the legs */

/* What is to be played. */
struct plan {
    const char *name;
    uint32_t legs, calls, rate;
    double hold_s, before_s; /* a call's; from the first INVITE to the measured time */
};

struct figures {
    struct sink_figures sink;
    double kept, far_off, cpu_leg_us, calls_s; /* shares of 1; CPU of a leg in a second */
    double spacing_p50_ms, spacing_p99_ms, late_p99_ms;
    double own_signalling_ms, own_audio_ms; /* p99 in peal-sim's report; negative: none */
};

/* ---- what both play ---- */

static bool put_file(const char *dir, const char *name, const void *data, size_t len)
{
    char path[300];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "we");
    bool ok = f && fwrite(data, 1, len, f) == len;

    return f && fclose(f) == 0 && ok;
}

static void le(uint8_t *p, uint32_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        p[i] = (uint8_t)(value >> (8 * i));
}

/* The same second of a sawtooth, as a WAV file for peal-sim and as bare µ-law for SIPp. */
static bool put_tone(const char *dir)
{
    static uint8_t wav[44 + TONE_SAMPLES * 2], ulaw[TONE_SAMPLES];

    memcpy(wav, "RIFF....WAVEfmt ", 16);
    le(wav + 4, sizeof wav - 8, 4);
    le(wav + 16, 16, 4);
    le(wav + 20, 1, 2);
    le(wav + 22, 1, 2);
    le(wav + 24, 8000, 4);
    le(wav + 28, 16000, 4);
    le(wav + 32, 2, 2);
    le(wav + 34, 16, 2);
    memcpy(wav + 36, "data", 4);
    le(wav + 40, TONE_SAMPLES * 2, 4);
    for (int i = 0; i < TONE_SAMPLES; i++) {
        int16_t sample = (int16_t)((i % 40) * 400 - 8000);
        le(wav + 44 + i * 2, (uint16_t)sample, 2);
        dsp_ulaw_encode(&sample, &ulaw[i], 1);
    }
    return put_file(dir, "tone.wav", wav, sizeof wav) &&
           put_file(dir, "tone.ul", ulaw, sizeof ulaw);
}

static bool put_script(const char *dir, const struct plan *p)
{
    char text[400];
    int n = snprintf(text, sizeof text,
                     "return caller { run = function(call)\n"
                     "  check(call:wait_answer { limit = 30 }, 'answered')\n"
                     "  call:play('tone.wav', { loop = true, limit = %.3f })\n"
                     "  call:hangup()\nend }\n",
                     p->hold_s);

    return put_file(dir, "caller.lua", text, (size_t)n);
}

static bool put_suite(const char *dir, const struct plan *p, uint16_t port)
{
    char text[600];
    int n = snprintf(text, sizeof text,
                     "name: generator\nscenarios: .\nmax_calls: 20000\nlate_limit_ms: 60000\n"
                     "media_ports: 20000-39999\ndrain: 10\ncallers:\n"
                     "  - { name: legs, scenario: caller, to: \"sip:{n}@127.0.0.1:%u\", calls: %u, "
                     "rate: %u/s }\n",
                     port, p->calls, p->rate);

    return put_file(dir, "suite.yaml", text, (size_t)n);
}

static bool put_sipp(const char *dir, const struct plan *p)
{
    char text[3000];
    int n = snprintf(
        text, sizeof text,
        "<?xml version=\"1.0\"?>\n<scenario name=\"legs\">\n<send retrans=\"500\"><![CDATA[\n"
        "INVITE sip:[service]@[remote_ip]:[remote_port] SIP/2.0\n"
        "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]\n"
        "From: <sip:a@[local_ip]:[local_port]>;tag=[pid]-[call_number]\n"
        "To: <sip:[service]@[remote_ip]:[remote_port]>\nCall-ID: [call_id]\nCSeq: 1 INVITE\n"
        "Contact: <sip:a@[local_ip]:[local_port]>\nMax-Forwards: 70\n"
        "Content-Type: application/sdp\nContent-Length: [len]\n\n"
        "v=0\no=a 1 1 IN IP4 [local_ip]\ns=-\nc=IN IP4 [media_ip]\nt=0 0\n"
        "m=audio [rtpstream_audio_port] RTP/AVP 0\na=rtpmap:0 PCMU/8000\n\n]]></send>\n"
        "<recv response=\"200\"/>\n<send><![CDATA[\n"
        "ACK sip:[service]@[remote_ip]:[remote_port] SIP/2.0\n"
        "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]\n"
        "From: <sip:a@[local_ip]:[local_port]>;tag=[pid]-[call_number]\n"
        "To: <sip:[service]@[remote_ip]:[remote_port]>[peer_tag_param]\nCall-ID: [call_id]\n"
        "CSeq: 1 ACK\nMax-Forwards: 70\nContent-Length: 0\n\n]]></send>\n"
        "<nop><action><exec rtp_stream=\"%s/tone.ul,-1,0\"/></action></nop>\n"
        "<pause milliseconds=\"%u\"/>\n<send retrans=\"500\"><![CDATA[\n"
        "BYE sip:[service]@[remote_ip]:[remote_port] SIP/2.0\n"
        "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]\n"
        "From: <sip:a@[local_ip]:[local_port]>;tag=[pid]-[call_number]\n"
        "To: <sip:[service]@[remote_ip]:[remote_port]>[peer_tag_param]\nCall-ID: [call_id]\n"
        "CSeq: 2 BYE\nMax-Forwards: 70\nContent-Length: 0\n\n]]></send>\n"
        "<recv response=\"200\"/>\n</scenario>\n",
        dir, (uint32_t)(p->hold_s * 1000));

    return (size_t)n < sizeof text && put_file(dir, "legs.xml", text, (size_t)n);
}

/* ---- a run ---- */

/* CPU time of a process so far, all its threads; 0 when it is gone. */
static double cpu_s_of(pid_t pid)
{
    char path[64], text[1024];
    unsigned long user = 0, kernel = 0;

    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *f = fopen(path, "re");
    size_t n = f ? fread(text, 1, sizeof text - 1, f) : 0;
    if (f)
        fclose(f);
    text[n] = '\0';
    char *after = strrchr(text, ')'); /* the name may hold anything */
    if (!after || sscanf(after + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
                         &kernel) != 2)
        return 0;
    return (double)(user + kernel) / (double)sysconf(_SC_CLK_TCK);
}

static void wait_s(double seconds)
{
    usleep((useconds_t)(seconds * 1e6));
}

/* The child plays; the sink judges the middle of it. */
static bool watch(struct bench *b, struct sink *s, struct bench_child *c, const struct plan *p,
                  struct figures *f)
{
    uint64_t limit_us = bench_now_us() + (uint64_t)(LIMIT_S * 1e6);

    while (!sink_streams(s) && bench_child_running(c) && bench_now_us() < limit_us)
        wait_s(0.01);
    wait_s(p->before_s);
    double cpu_s = cpu_s_of(c->pid);
    sink_begin(s);
    wait_s(b->seconds);
    sink_end(s, &f->sink);
    cpu_s = cpu_s_of(c->pid) - cpu_s;
    if (!bench_child_running(c))
        return false;
    const struct sink_figures *k = &f->sink;
    f->kept = (double)k->packets / (p->legs * PACKETS_S * k->seconds);
    f->far_off = k->packets ? (double)k->far_off / (double)k->packets : 1;
    f->cpu_leg_us = cpu_s * 1e6 / k->seconds / p->legs;
    f->calls_s = (double)k->calls_ended / k->seconds;
    f->spacing_p50_ms = (double)hist_quantile(&k->spacing_us, 0.5) / 1000;
    f->spacing_p99_ms = (double)hist_quantile(&k->spacing_us, 0.99) / 1000;
    f->late_p99_ms = (double)hist_quantile(&k->offset_us, 0.99) / 1000;
    if (k->overrun)
        bench_fail(b, "generator: the far end itself dropped %llu packets: %s is not judged",
                   (unsigned long long)k->overrun, p->name);
    return k->packets && !k->overrun;
}

/* Calls of SIPp that failed are its own affair, and said. */
static void finish(struct bench *b, struct bench_child *c, bool ours, const struct plan *p)
{
    struct bench_result r;
    char text[160];

    bench_child_wait(c, LIMIT_S, &r);
    snprintf(text, sizeof text, "%s, %u legs, %s: it %s (exit code %d)", ours ? "peal-sim" : "SIPp",
             p->legs, p->name, r.ended ? "counts calls as failed" : "did not end in time",
             r.exit_code);
    if (!r.ended || r.exit_code != 0) {
        if (ours)
            bench_fail(b, "generator: %s; the end of what it said:\n%s", text,
                       r.output_len > 600 ? r.output + r.output_len - 600 : r.output);
        else
            bench_note("generator: %s", text);
    }
    bench_result_free(&r);
}

static double member(const char *text, const char *name)
{
    const char *at = text ? strstr(text, name) : NULL;
    double value;

    return at && sscanf(at + strlen(name), "%lf", &value) == 1 ? value : -1;
}

/* "lateness_ms" of peal-sim's summary. */
static void read_own(const char *dir, struct figures *f)
{
    static char text[65536];
    char path[300];

    snprintf(path, sizeof path, "%s/report/summary.json", dir);
    FILE *file = fopen(path, "re");
    size_t n = file ? fread(text, 1, sizeof text - 1, file) : 0;
    if (file)
        fclose(file);
    text[n] = '\0';
    const char *at = strstr(text, "\"lateness_ms\"");
    f->own_signalling_ms = member(at, "\"control_p99\":");
    f->own_audio_ms = member(at, "\"media_p99\":");
}

static bool run_ours(struct bench *b, const char *dir, const struct plan *p, struct figures *f)
{
    char program[300], suite[300], report[300];
    struct sink *s = sink_open(SINK_CORE);
    struct bench_child c;
    ssize_t n = readlink("/proc/self/exe", program, sizeof program - 16);
    bool ok = false;

    program[n > 0 ? n : 0] = '\0';
    char *slash = strrchr(program, '/');
    snprintf(slash ? slash + 1 : program, 16, "peal-sim");
    snprintf(suite, sizeof suite, "%s/suite.yaml", dir);
    snprintf(report, sizeof report, "%s/report", dir);
    const char *const argv[] = {program,   "run", suite,     "--report", report,
                                "--audio", dir,   "--quiet", NULL};
    if (s && put_script(dir, p) && put_suite(dir, p, sink_port(s)) &&
        bench_child_start(&c, argv, dir, GENERATOR_CORE)) {
        ok = watch(b, s, &c, p, f);
        finish(b, &c, true, p);
        read_own(dir, f);
    }
    sink_close(s);
    return ok;
}

static bool run_sipp(struct bench *b, const char *dir, const struct plan *p, struct figures *f)
{
    char to[32], port[16], scenario[300], rate[16], calls[16];
    struct sink *s = sink_open(SINK_CORE);
    struct bench_child c;
    bool ok = false;

    snprintf(to, sizeof to, "127.0.0.1:%u", s ? sink_port(s) : 0);
    snprintf(port, sizeof port, "%u", bench_free_port());
    snprintf(scenario, sizeof scenario, "%s/legs.xml", dir);
    snprintf(rate, sizeof rate, "%u", p->rate);
    snprintf(calls, sizeof calls, "%u", p->calls);
    const char *const argv[] = {"sipp",
                                "-sf",
                                scenario,
                                "-i",
                                "127.0.0.1",
                                "-mi",
                                "127.0.0.1",
                                "-p",
                                port,
                                "-nostdin",
                                "-buff_size",
                                "8388608",
                                "-r",
                                rate,
                                "-rp",
                                "1000",
                                "-m",
                                calls,
                                "-l",
                                "100000",
                                "-s",
                                "1",
                                "-deadcall_wait",
                                "0",
                                "-rtp_payload",
                                "0",
                                to,
                                NULL};
    if (s && put_sipp(dir, p) && bench_child_start(&c, argv, dir, GENERATOR_CORE)) {
        ok = watch(b, s, &c, p, f);
        finish(b, &c, false, p);
    }
    f->own_signalling_ms = f->own_audio_ms = -1;
    sink_close(s);
    return ok;
}

static void note(const char *who, const struct plan *p, const struct figures *f)
{
    bench_note("generator: %s, %u legs, %s: %.1f %% of the packets, %.2f %% far off, spacing p50 "
               "%.2f ms, p99 %.2f ms, late p99 %.2f ms, %.0f us of CPU a leg and second",
               who, p->legs, p->name, f->kept * 100, f->far_off * 100, f->spacing_p50_ms,
               f->spacing_p99_ms, f->late_p99_ms, f->cpu_leg_us);
}

/* ---- rows ---- */

static void row(struct bench *b, const struct plan *p, const char *what, double value,
                const char *unit, enum bench_better better, const double *peer)
{
    static const char *const name = "SIPp 3.6 rtp_stream";
    char text[BENCH_TEXT_MAX];

    snprintf(text, sizeof text, "%u legs, %s: %s", p->legs, p->name, what);
    if (peer)
        bench_add_peer(b, "generator", text, value, unit, better, name, *peer);
    else
        bench_add_missing(b, "generator", text, value, unit, better,
                          "SIPp (apt-get install sip-tester)");
}

static void rows(struct bench *b, const struct plan *p, const struct figures *f,
                 const struct figures *s)
{
    char text[BENCH_TEXT_MAX];
    const struct {
        const char *what, *unit;
        enum bench_better better;
        double ours, theirs;
    } all[] = {
        {"packets kept", "%", BENCH_HIGHER, f->kept * 100, s ? s->kept * 100 : 0},
        {"packets >= 19 ms off", "%", BENCH_LOWER, f->far_off * 100, s ? s->far_off * 100 : 0},
        {"spacing error p50", "ms", BENCH_LOWER, f->spacing_p50_ms, s ? s->spacing_p50_ms : 0},
        {"spacing error p99", "ms", BENCH_LOWER, f->spacing_p99_ms, s ? s->spacing_p99_ms : 0},
        {"behind its timetable p99", "ms", BENCH_LOWER, f->late_p99_ms, s ? s->late_p99_ms : 0},
        {"CPU of a leg in a second", "us", BENCH_LOWER, f->cpu_leg_us, s ? s->cpu_leg_us : 0},
        {"calls ended a second", "calls/s", BENCH_HIGHER, f->calls_s, s ? s->calls_s : 0},
    };

    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strcmp(all[i].unit, "calls/s") != 0 || p->hold_s == SHORT_S)
            row(b, p, all[i].what, all[i].ours, all[i].unit, all[i].better,
                s ? &all[i].theirs : NULL);
    snprintf(text, sizeof text, "%u legs, %s: audio late p99, by its report", p->legs, p->name);
    bench_add(b, "generator", text, f->own_audio_ms, "ms", BENCH_LOWER);
    snprintf(text, sizeof text, "%u legs, %s: signalling late p99, by its report", p->legs,
             p->name);
    bench_add(b, "generator", text, f->own_signalling_ms, "ms", BENCH_LOWER);
    double target = TARGET_MS * (p->legs > TARGET_LEGS ? 2 : 1);
    bool judged = p->legs >= TARGET_LEGS && p->legs <= 2 * TARGET_LEGS;
    if (f->own_audio_ms < 0 || f->own_signalling_ms < 0)
        bench_fail(b, "generator: peal-sim's report does not tell how late it was");
    else if (judged && (f->own_audio_ms > target || f->own_signalling_ms > target))
        bench_fail(b,
                   "generator: %u legs, %s: late p99 %.1f ms (audio) and %.1f ms (signalling), "
                   "it should be %.0f ms at most",
                   p->legs, p->name, f->own_audio_ms, f->own_signalling_ms, target);
}

static void compare(struct bench *b, const char *dir, const struct plan *p, bool sipp)
{
    static struct figures ours, theirs;

    if (!run_ours(b, dir, p, &ours)) {
        bench_fail(b, "generator: peal-sim, %u legs, %s: there is nothing to judge", p->legs,
                   p->name);
        return;
    }
    note("peal-sim", p, &ours);
    bool heard = sipp && run_sipp(b, dir, p, &theirs);
    if (heard)
        note("SIPp", p, &theirs);
    else if (sipp)
        bench_note("generator: SIPp, %u legs, %s: it was not heard to the end", p->legs, p->name);
    rows(b, p, &ours, heard ? &theirs : NULL);
}

static void with_legs(struct bench *b, const char *dir, uint32_t legs, bool sipp)
{
    uint32_t ramp = legs / RAMP_S > RAMP_LEAST ? (uint32_t)(legs / RAMP_S) : RAMP_LEAST;
    double ramp_s = (double)legs / ramp, measured_s = SETTLE_S + b->seconds + SPARE_S;
    uint32_t rate = (uint32_t)(legs / SHORT_S) ? (uint32_t)(legs / SHORT_S) : 1;
    const struct plan all[] = {
        {"all of them up", legs, legs, ramp, ramp_s + measured_s, ramp_s + SETTLE_S},
        {"calls of 2 s", legs, (uint32_t)(rate * (SHORT_S + measured_s)), rate, SHORT_S,
         SHORT_S + SETTLE_S},
    };

    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        compare(b, dir, &all[i], sipp);
}

int bench_generator(struct bench *b)
{
    const char *text = bench_option(b, "legs");
    char dir[] = "/tmp/peal-generator-XXXXXX", sipp[256], command[64];
    long legs = text ? strtol(text, NULL, 10) : 0;

    if (text && (legs < 2 || legs > LEGS_MAX)) {
        bench_fail(b, "generator: --legs takes 2 to %d, not \"%s\"", LEGS_MAX, text);
        return 1;
    }
    if (bench_cores() < 2)
        bench_note("generator: one core for generator and far end: each holds the other up");
    if (!mkdtemp(dir) || !put_tone(dir)) {
        bench_fail(b, "generator: no folder can be made in /tmp");
        return 1;
    }
    bool there = bench_find("sipp", sipp, sizeof sipp);
    if (legs)
        with_legs(b, dir, (uint32_t)legs, there);
    for (uint32_t n = TARGET_LEGS; !legs && n <= 2 * TARGET_LEGS; n += TARGET_LEGS)
        with_legs(b, dir, n, there);
    snprintf(command, sizeof command, "rm -rf %s", dir);
    if (system(command) != 0)
        bench_note("generator: %s is left behind", dir);
    return 0;
}
