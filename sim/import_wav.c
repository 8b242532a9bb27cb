/* A recording as one call: nothing is known of its signalling, so it is answered after one second,
 * both sides speak at once, and the caller hangs up at the end. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "media/sound.h"
#include "media/wav.h"
#include "sim/import.h"

#define ANSWER_S 1.0
#define RATE     8000u

static bool cannot(char *error, const char *path)
{
    snprintf(error, IMPORT_PATH_MAX + 128, "%s cannot be written: %s", path, strerror(errno));
    return false;
}

static bool write_text(const char *dir, const char *name, const char *text, char *error)
{
    char path[IMPORT_PATH_MAX];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "we");
    bool ok = f && fputs(text, f) >= 0;

    if (f && fclose(f) != 0)
        ok = false;
    return ok || cannot(error, path);
}

static bool write_channel(const char *dir, const char *side, const struct wav *w, uint32_t channel,
                          char *error)
{
    struct wav one = *w;
    uint32_t samples = (uint32_t)(w->frames * (uint64_t)RATE / w->rate_hz);
    uint8_t head[WAV_HEADER_BYTES];
    char path[IMPORT_PATH_MAX];
    int16_t *pcm = calloc(samples ? samples : 1, sizeof *pcm);

    one.channel = channel;
    snprintf(path, sizeof path, "%s/media/c0001-%s.wav", dir, side);
    FILE *f = pcm ? fopen(path, "wbe") : NULL;
    bool ok = f != NULL;

    if (f) {
        sound_convert(&one, pcm, samples);
        wav_write_header(head, 1, (uint32_t)(samples * sizeof *pcm));
        fwrite(head, 1, sizeof head, f);
        fwrite(pcm, sizeof *pcm, samples, f);
        ok = !ferror(f);
        ok = fclose(f) == 0 && ok;
    }
    free(pcm);
    return ok || cannot(error, path);
}

static bool write_scripts(const struct import_config *config, double length_s, bool two,
                          char *error)
{
    char text[2048];

    snprintf(text, sizeof text,
             "-- c0001, the callee's side: the left channel of %s, %.3f s.\nreturn callee {\n"
             "  truth = \"unknown\", -- say here what it was: human, machine…\n"
             "  run = function(call)\n    call:ring(%.3f)\n    local up = call:age()\n"
             "    call:answer()\n"
             "    call:play(\"media/c0001-callee.wav\", { background = true })\n"
             "    call:wait_hangup(%.3f)\n  end,\n}\n",
             config->source, length_s, ANSWER_S, length_s + 30);
    /* `up` is there for what people add. */
    if (!write_text(config->out, "callees/c0001.lua", text, error))
        return false;
    snprintf(
        text, sizeof text,
        "-- c0001, the caller's side: %s of %s, %.3f s.\nreturn caller {\n"
        "  run = function(call)\n    if not call:wait_answer { limit = 60 } then\n"
        "      return\n    end\n    local up = call:age()\n%s    call:wait_until(up + %.3f)\n"
        "    call:hangup()\n  end,\n}\n",
        two ? "the right channel" : "silence, for there is one channel", config->source, length_s,
        two ? "    call:play(\"media/c0001-caller.wav\", { background = true })\n" : "", length_s);
    if (!write_text(config->out, "callers/c0001.lua", text, error))
        return false;
    snprintf(text, sizeof text,
             "call,start_s,number,caller,outcome,code,ring_s,answer_s,end_s,ended_by,payload,fmtp,"
             "transport,late_offer,packet\nc0001,0.000,\"%s\",\"%s\",answered,200,0.000,%.3f,%.3f,"
             "caller,,,"
             "udp,no,0\n",
             config->number, config->caller, ANSWER_S, ANSWER_S + length_s);
    if (!write_text(config->out, "calls.csv", text, error))
        return false;
    snprintf(text, sizeof text,
             "scenarios:\n  - { scenario: c0001, weight: 1 }\nnumbers:\n"
             "  - { number: \"%s\", scenario: c0001 }\n"
             "agents: { prefix: agent-, scenario: agents/agent }\n",
             config->number);
    return write_text(config->out, "mix.yaml", text, error);
}

bool import_wav(const uint8_t *p, size_t len, const struct import_config *config,
                struct import_report *report, char *error)
{
    struct import_out o = {.dir = config->out, .source = config->source};
    struct wav w;
    enum err e = wav_parse(p, len, &w);

    memset(report, 0, sizeof *report);
    if (e != OK || w.frames == 0) {
        snprintf(error, IMPORT_PATH_MAX + 128, "%s",
                 e == ERR_UNSUPPORTED ? "a coding or a number of channels that is not read here "
                                        "(PCM 16 bit, A-law, µ-law; one or two channels)"
                                      : "it is no WAV file with audio in it");
        return false;
    }
    double length_s = (double)w.frames / w.rate_hz;

    if (length_s > IMPORT_WAV_MAX_S) {
        snprintf(error, IMPORT_PATH_MAX + 128, "it is %.0f s long; a sound may have %d s", length_s,
                 IMPORT_WAV_MAX_S);
        return false;
    }
    if (!import_folders(&o)) {
        snprintf(error, IMPORT_PATH_MAX + 128, "%s", o.error);
        return false;
    }
    report->calls = report->answered = 1;
    report->wav = true;
    if (!import_write_agent(&o)) {
        snprintf(error, IMPORT_PATH_MAX + 128, "%s", o.error);
        return false;
    }
    return write_channel(config->out, "callee", &w, w.channels == 2 ? 1 : 0, error) &&
           (w.channels < 2 || write_channel(config->out, "caller", &w, 2, error)) &&
           write_scripts(config, length_s, w.channels == 2, error);
}
