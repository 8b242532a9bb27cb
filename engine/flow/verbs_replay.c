/* Verbs of captured calls: moments on the call's own clock, packets with their own timing, and the
 * payload of the audio. `peal-sim import` writes scripts of them, and of call:hold. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow/inner.h"
#include "media/packets.h"

#define DAY_S       86400.0
#define MARGIN_S    5.0   /* beyond the length of what is sent */
#define PACKETS_MAX 16384 /* files kept */
#define PT_OFFERED  96

/* ---- files, loaded once ---- */

struct replay_file {
    struct replay_file *next;
    const struct packets *packets;
    char path[SOUNDS_PATH_MAX];
};

struct replay_files {
    char root[256];
    struct replay_file *bucket[1024];
    uint32_t count;
};

enum err replay_files_open(struct replay_files **out, const char *root)
{
    struct replay_files *f = calloc(1, sizeof *f);

    if (!f)
        return ERR_NOMEM;
    *out = f;
    return slice_copy(slice_cstr(root), f->root, sizeof f->root);
}

void replay_files_close(struct replay_files *f)
{
    for (size_t i = 0; f && i < sizeof f->bucket / sizeof *f->bucket; i++)
        while (f->bucket[i]) {
            struct replay_file *file = f->bucket[i];

            f->bucket[i] = file->next;
            packets_unref(file->packets);
            free(file);
        }
    free(f);
}

/* A path that stays inside the folder. */
static bool is_inside(const char *path)
{
    return path[0] && path[0] != '/' && !strstr(path, "..") && strlen(path) < SOUNDS_PATH_MAX;
}

static uint32_t bucket_of(const char *path)
{
    uint32_t h = 2166136261u; /* FNV-1a */

    for (; *path; path++)
        h = (h ^ (unsigned char)*path) * 16777619u;
    return h % 1024;
}

static enum err load_file(struct replay_files *f, const char *path, const struct packets **out,
                          char *message)
{
    struct replay_file **bucket = &f->bucket[bucket_of(path)];
    char full[sizeof f->root + SOUNDS_PATH_MAX + 1];

    for (struct replay_file *file = *bucket; file; file = file->next)
        if (strcmp(file->path, path) == 0) {
            *out = file->packets;
            return OK;
        }
    if (f->count == PACKETS_MAX) {
        snprintf(message, PACKETS_ERROR_MAX, "%d files are open already", PACKETS_MAX);
        return ERR_FULL;
    }
    snprintf(full, sizeof full, "%s/%s", f->root, path);
    enum err e = packets_load(full, out, message);
    struct replay_file *file = e == OK ? calloc(1, sizeof *file) : NULL;

    if (e == OK && !file) {
        packets_unref(*out);
        snprintf(message, PACKETS_ERROR_MAX, "there is no memory for it");
        return ERR_NOMEM;
    }
    if (e != OK)
        return e;
    snprintf(file->path, sizeof file->path, "%s", path);
    file->packets = *out;
    file->next = *bucket;
    *bucket = file;
    f->count++;
    return OK;
}

enum err flow_packets_load(struct flow_runtime *rt, const char *path, char *message)
{
    const struct packets *p;

    if (!rt->replays || !is_inside(path)) {
        snprintf(message, PACKETS_ERROR_MAX, "it is not inside the audio folder");
        return ERR_NOT_FOUND;
    }
    return load_file(rt->replays, path, &p, message);
}

/* ---- verbs ---- */

/* ctx: the age in ms. A loop that is late counts a timer from where it is itself, which fires too
 * early by as much: then it is started again for the rest. */
static int until_k(lua_State *L, int status, lua_KContext ctx)
{
    struct flow *f = flow_of(L);
    double left_ms = (double)ctx - verb_age_ms(f);

    (void)status;
    verb_check(L, f);
    if (f->timed_out && left_ms >= 1)
        verb_limit(f, left_ms / 1000);
    if (!f->timed_out)
        return verb_wait(L, ctx, until_k);
    verb_done(f);
    return 0;
}

/*@both call:wait_until(age)
 * Waits until the call is so many seconds old (call:age() counts from its INVITE). Returns at once
 * when it is older: what follows does not drift, however long the verbs before took.
 */
static int verb_wait_until(lua_State *L)
{
    struct flow *f = verb_begin(L);
    double age_ms = arg_seconds(L, 2, DAY_S) * 1000, left_ms = age_ms - verb_age_ms(f);

    if (left_ms <= 0)
        return 0;
    verb_limit(f, left_ms / 1000);
    return until_k(L, LUA_OK, (lua_KContext)(age_ms + 0.5));
}

static int sent_k(lua_State *L, int status, lua_KContext ctx)
{
    struct flow *f = flow_of(L);

    (void)status;
    verb_check(L, f);
    bool done = f->played >= f->at.cookie;

    if (!done && !f->timed_out)
        return verb_wait(L, ctx, sent_k);
    verb_done(f);
    if (!done) {
        call_stop_audio(f->call);
        return verb_outcome(L, "timeout");
    }
    lua_pushstring(L, "done");
    return 1;
}

/*@sim call:play_packets(file [, { clock = 8000, background = false }])
 * Sends the RTP packets of an rtpdump file of the audio folder (rtptools, Wireshark, `peal-sim
 * import`) with their own timing: losses, jitter and order stay, payloads are not decoded; SSRC,
 * sequence numbers and timestamps are the call's. `clock` is the payload's, in Hz. Waits for the
 * end and returns "done"; in the background it returns at once. From then on the call is hushed.
 */
static int verb_play_packets(lua_State *L)
{
    static const char *const options[] = {"clock", "background", NULL};
    struct flow *f = verb_begin(L);
    const char *path = luaL_checkstring(L, 2);
    char message[PACKETS_ERROR_MAX] = "";
    const struct packets *p;

    opt_only(L, 3, options);
    double clock = opt_number(L, 3, "clock", 8000, 1000, 192000);
    bool background = opt_bool(L, 3, "background", false);
    verb_needs_audio(L, f);
    if (!f->rt->replays)
        flow_fail(L, "play_packets %s: no audio folder is configured", path);
    if (!is_inside(path))
        flow_fail(L, "play_packets %s: the path must stay inside the audio folder", path);
    if (load_file(f->rt->replays, path, &p, message) != OK)
        flow_fail(L, "play_packets %s: %s", path, message);
    enum err e = call_play_packets(f->call, p, (uint32_t)clock, f->cookie + 1);
    if (e != OK)
        flow_fail(L, "play_packets %s: not possible now (%s)", path, err_name(e));
    f->at.cookie = ++f->cookie;
    if (background)
        return 0;
    verb_limit(f, packets_ms(p) / 1000.0 + MARGIN_S);
    return sent_k(L, LUA_OK, 0);
}

/*@sim call:hush(on)
 * true: while nothing is played, nothing is sent, as by equipment that sends no silence. false:
 * silence fills the gaps again.
 */
static int verb_hush(lua_State *L)
{
    struct flow *f = verb_begin(L);

    luaL_checktype(L, 2, LUA_TBOOLEAN);
    call_hush(f->call, lua_toboolean(L, 2));
    return 0;
}

/* "opus/48000/2" */
static bool read_format(struct slice text, char *name, size_t cap, struct call_payload *out)
{
    struct slice first, rate, channels;
    uint32_t number = 1;

    if (!slice_cut(text, '/', &first, &rate) || slice_copy(first, name, cap) != OK)
        return false;
    slice_cut(rate, '/', &rate, &channels);
    if (slice_u32(rate, &out->rate_hz) != OK || out->rate_hz == 0 ||
        (channels.len && slice_u32(channels, &number) != OK) || number == 0 || number > 8)
        return false;
    out->name = name;
    out->channels = (uint8_t)number;
    return true;
}

/*@sim call:payload(format [, parameters])
 * What the audio of an incoming call is to be, as in a=rtpmap: "opus/48000/2", and a=fmtp. Before
 * call:progress and call:answer. PCMU/8000 or PCMA/8000 is preferred to the other; anything else is
 * accepted alone, and only call:play_packets can send it. A caller without it is refused with 488.
 */
static int verb_payload(lua_State *L)
{
    struct flow *f = verb_begin(L);
    const char *format = luaL_checkstring(L, 2);
    struct call_payload p = {.pt = PT_OFFERED, .fmtp = luaL_optstring(L, 3, NULL)};
    char name[24];

    if (!read_format(slice_cstr(format), name, sizeof name, &p))
        return luaL_error(L, "a payload is written NAME/RATE or NAME/RATE/CHANNELS, not '%s'",
                          format);
    enum err e = call_set_payload(f->call, &p);
    if (e != OK)
        flow_fail(L, "call:payload: not possible now (%s)", err_name(e));
    return 0;
}

const struct verb verbs_replay[] = {
    {"wait_until", verb_wait_until, VERB_BOTH},
    {"play_packets", verb_play_packets, VERB_SIM},
    {"hush", verb_hush, VERB_SIM},
    {"payload", verb_payload, VERB_SIM},
    {NULL, NULL, VERB_BOTH},
};
