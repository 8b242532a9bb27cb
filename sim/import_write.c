/* See import_write.h. */
#include "sim/import_write.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MIX_MAX 250 /* scenarios that a mix may name (sim/mix.h), with room for one's own */

void import_name(uint32_t index, char *dst)
{
    snprintf(dst, IMPORT_NAME_MAX, "c%04u", index + 1);
}

static bool failed(struct import_out *o, const char *path)
{
    snprintf(o->error, sizeof o->error, "%s cannot be written: %s", path, strerror(errno));
    return false;
}

bool import_folders(struct import_out *o)
{
    static const char *const parts[] = {"", "/callers", "/callees", "/agents", "/media"};
    char path[IMPORT_PATH_MAX];

    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if ((size_t)snprintf(path, sizeof path, "%s%s", o->dir, parts[i]) >= sizeof path - 64) {
            snprintf(o->error, sizeof o->error, "--out: the path is too long");
            return false;
        }
        if (mkdir(path, 0777) != 0 && errno != EEXIST)
            return failed(o, path);
    }
    return true;
}

static bool write_text(struct import_out *o, const char *path, struct slice text)
{
    FILE *f = fopen(path, "we");
    bool ok = f && fwrite(text.p, 1, text.len, f) == text.len;

    if (f && fclose(f) != 0)
        ok = false;
    if (ok)
        o->files++;
    return ok || failed(o, path);
}

static bool write_media(struct import_out *o, const char *name, struct import_media *m)
{
    const char *side = m->side == IMPORT_CALLER ? "caller" : "callee";
    char path[IMPORT_PATH_MAX];

    for (uint32_t i = 0; i < m->stretches; i++) {
        if (m->stretch[i].packets == 0)
            continue;
        snprintf(path, sizeof path, "%s/media/%s-%s-%u.rtpdump", o->dir, name, side, i + 1);
        if (import_stretch_write(m, &m->stretch[i], path) != OK)
            return failed(o, path);
        o->files++;
        o->stretches++;
    }
    snprintf(path, sizeof path, "%s/media/%s-%s.wav", o->dir, name, side);
    enum err e = import_wav_write(m, path);

    o->files += e == OK;
    o->keys += m->keys;
    o->payload_unknown += m->unknown;
    o->before_sdp += m->before_sdp;
    o->refused += m->refused;
    return e == OK || e == ERR_NOT_FOUND || failed(o, path);
}

/* From when a side's audio can be played: a callee's after its first SDP, a caller's from when it
 * knows where to. */
static uint64_t audio_from(const struct import_call *c)
{
    for (uint32_t i = 0; i < c->events; i++) {
        const struct import_event *e = &c->event[i];

        if (e->kind == IMPORT_ANSWER || (e->kind == IMPORT_PROVISIONAL && e->sdp))
            return e->at_us;
    }
    return UINT64_MAX;
}

static bool write_side(struct import_out *o, const struct import_calls *all, uint32_t index,
                       enum import_side side, struct import_format *format)
{
    static struct import_media media; /* large; one thread */
    static char text[IMPORT_SCRIPT_MAX];
    const struct import_call *c = all->call[index];
    struct buf b = buf_on(text, sizeof text);
    char name[IMPORT_NAME_MAX], path[IMPORT_PATH_MAX];

    import_name(index, name);
    import_media_read(&media, c, side, audio_from(c));
    *format = media.format;
    if (!write_media(o, name, &media))
        return false;
    snprintf(path, sizeof path, "%s/%ss/%s.lua", o->dir,
             side == IMPORT_CALLER ? "caller" : "callee", name);
    if (import_script(&b, o, index, c, side, &media) != OK) {
        snprintf(o->error, sizeof o->error, "%s: the script would be longer than %u bytes", path,
                 IMPORT_SCRIPT_MAX);
        return false;
    }
    o->scripts++;
    return write_text(o, path, buf_slice(&b));
}

/* ---- calls.csv ---- */

static void cell(FILE *f, struct slice s)
{
    fputc('"', f);
    for (uint32_t i = 0; i < s.len; i++) {
        if (s.p[i] == '"')
            fputc('"', f);
        fputc((unsigned char)s.p[i] < ' ' ? ' ' : s.p[i], f);
    }
    fputs("\",", f);
}

static void time_cell(FILE *f, uint64_t from_us, uint64_t at_us)
{
    if (at_us)
        fprintf(f, "%.3f", at_us > from_us ? (double)(at_us - from_us) / 1e6 : 0);
    fputc(',', f);
}

static void format_cells(FILE *f, const struct import_format *format)
{
    if (format->name.len == 0) {
        fputs(",,", f);
        return;
    }
    fprintf(f, "%.*s/%u/%u,", (int)format->name.len, format->name.p, format->rate_hz,
            format->channels);
    cell(f, format->fmtp);
}

static void put_row(FILE *f, const struct import_out *o, const struct import_call *c,
                    uint32_t index, const struct import_format *format)
{
    static const char *const outcomes[] = {"cut", "answered", "refused", "cancelled"};
    const struct import_event *by_caller = import_find(c, IMPORT_BYE, IMPORT_CALLER),
                              *by_callee = import_find(c, IMPORT_BYE, IMPORT_CALLEE);
    uint64_t ring_us = 0;
    char name[IMPORT_NAME_MAX];

    for (uint32_t i = 0; i < c->events && !ring_us; i++)
        if (c->event[i].kind == IMPORT_PROVISIONAL && c->event[i].code == 180)
            ring_us = c->event[i].at_us;
    import_name(index, name);
    fprintf(f, "%s,", name);
    time_cell(f, o->zero_us, c->invite_us == o->zero_us ? o->zero_us : c->invite_us);
    cell(f, c->number);
    cell(f, c->caller);
    fprintf(f, "%s,%u,", outcomes[c->outcome], c->code);
    time_cell(f, c->invite_us, ring_us);
    time_cell(f, c->invite_us, c->answer_us);
    time_cell(f, c->invite_us, c->end_us);
    fprintf(f, "%s,", by_caller ? "caller" : by_callee ? "callee" : "");
    format_cells(f, format);
    fprintf(f, "%s,%s,%llu\n", c->tcp ? "tcp" : "udp", c->late_offer ? "yes" : "no",
            (unsigned long long)c->packet);
}

/* ---- mix.yaml ---- */

static bool said_before(const struct import_calls *c, uint32_t index)
{
    for (uint32_t i = 0; i < index; i++)
        if (slice_eq(c->call[i]->number, c->call[index]->number))
            return true;
    return false;
}

/* A mix knows a number once: the first call to it. `replay --listen` plays them all. */
static bool write_mix(struct import_out *o, const struct import_calls *c)
{
    char path[IMPORT_PATH_MAX], name[IMPORT_NAME_MAX];
    uint32_t n = c->count < MIX_MAX ? c->count : MIX_MAX;

    snprintf(path, sizeof path, "%s/mix.yaml", o->dir);
    FILE *f = n ? fopen(path, "we") : NULL;

    if (!f)
        return n == 0 || failed(o, path);
    fputs("# The captured callees by their numbers, each as at the first call to it:\n"
          "#   peal-sim serve --scenarios DIR --mix DIR/mix.yaml --audio DIR …\n"
          "scenarios:\n",
          f);
    import_name(0, name);
    fprintf(f, "  - { scenario: %s, weight: 1 }\nnumbers:\n", name);
    for (uint32_t i = 0; i < n; i++) {
        if (said_before(c, i) || c->call[i]->number.len == 0)
            continue;
        import_name(i, name);
        fprintf(f, "  - { number: \"%.*s\", scenario: %s }\n", (int)c->call[i]->number.len,
                c->call[i]->number.p, name);
    }
    fputs("agents: { prefix: agent-, scenario: agents/agent }\n", f);
    if (n < c->count)
        fprintf(f, "# %u further calls are not here: a mix names at most %d.\n", c->count - n,
                MIX_MAX);
    bool ok = !ferror(f);

    ok = fclose(f) == 0 && ok;
    o->files += ok;
    return ok || failed(o, path);
}

bool import_write_agent(struct import_out *o)
{
    char path[IMPORT_PATH_MAX];

    snprintf(path, sizeof path, "%s/agents/agent.lua", o->dir);
    return write_text(o, path,
                      SLICE("-- Whoever is called at agent-…: answers, and says nothing.\n"
                            "return agent {\n  run = function(call)\n    call:answer()\n"
                            "    call:wait_hangup(3600)\n  end,\n}\n"));
}

bool import_write_calls(struct import_out *o, const struct import_calls *c)
{
    char path[IMPORT_PATH_MAX];

    o->zero_us = c->count ? c->call[0]->invite_us : 0;
    for (uint32_t i = 0; i < c->count; i++)
        if (c->call[i]->invite_us < o->zero_us)
            o->zero_us = c->call[i]->invite_us;
    snprintf(path, sizeof path, "%s/calls.csv", o->dir);
    FILE *f = fopen(path, "we");

    if (!f)
        return failed(o, path);
    fputs("call,start_s,number,caller,outcome,code,ring_s,answer_s,end_s,ended_by,payload,fmtp,"
          "transport,late_offer,packet\n",
          f);
    bool ok = true;

    for (uint32_t i = 0; i < c->count && ok; i++) {
        struct import_format sent[2];

        ok = write_side(o, c, i, IMPORT_CALLER, &sent[IMPORT_CALLER]) &&
             write_side(o, c, i, IMPORT_CALLEE, &sent[IMPORT_CALLEE]);
        if (ok)
            put_row(f, o, c->call[i], i,
                    sent[IMPORT_CALLER].name.len ? &sent[IMPORT_CALLER] : &sent[IMPORT_CALLEE]);
        o->srtp_calls += c->call[i]->srtp;
    }
    if (ok && ferror(f))
        ok = failed(o, path);
    if (fclose(f) != 0 && ok)
        ok = failed(o, path);
    o->files += ok;
    return ok && write_mix(o, c) && import_write_agent(o);
}
