/* Expectations of SIP: which messages came, when, with which headers. They look at what the ua has
 * noted of the call (sip/trace.h) and go on working after its end. A failed one gives false and a
 * sentence, so that check(call:got(…)) tells what came instead. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow/inner.h"
#include "sip/trace.h"

#define LOOK_S   0.02 /* between two looks while a message is waited for */
#define DAY_S    86400.0
#define SHOWN    12 /* messages in a sentence */
#define NAME_CAP 32

/* What a script means by "BYE", 180, "4xx" or "200 BYE". */
struct wanted {
    uint16_t lo, hi; /* status; 0: a request */
    uint8_t method;
    char text[NAME_CAP];
};

static const struct trace_call *trace_of(lua_State *L, struct flow *f)
{
    const struct trace_call *t =
        f->rt->trace ? sip_trace_find(f->rt->trace, slice_cstr(call_record_of(f->call)->call_id),
                                      call_is_outgoing(f->call))
                     : NULL;

    if (!t)
        flow_fail(L, "the messages of this call were not noted (too many calls at once)");
    return t;
}

static void read_wanted(lua_State *L, int index, struct wanted *w)
{
    const char *text = luaL_checkstring(L, index);
    char *end;

    *w = (struct wanted){.method = SIP_INVITE};
    snprintf(w->text, sizeof w->text, "%s", text);
    if (text[0] >= '1' && text[0] <= '6' && strncmp(text + 1, "xx", 2) == 0 && strlen(text) == 3) {
        w->lo = (uint16_t)((text[0] - '0') * 100);
        w->hi = (uint16_t)(w->lo + 99);
        return;
    }
    unsigned long code = strtoul(text, &end, 10);
    if (end != text) {
        luaL_argcheck(L, code >= 100 && code <= 699, index, "a SIP code is from 100 to 699");
        w->lo = w->hi = (uint16_t)code;
        while (*end == ' ')
            end++;
        text = *end ? end : "INVITE";
    }
    w->method = (uint8_t)sip_method_find(slice_cstr(text));
    if (w->method == SIP_METHOD_OTHER)
        luaL_error(L,
                   "'%s' is no SIP message: write a method (\"BYE\"), a code (180, \"4xx\") or "
                   "the code of a method's answer (\"200 BYE\")",
                   w->text);
}

static bool is_wanted(const struct wanted *w, const struct trace_message *m)
{
    if (m->method != w->method)
        return false;
    return w->lo ? m->status >= w->lo && m->status <= w->hi : m->status == 0;
}

/* The nth (from 1) message of the kind; NULL: not yet. */
static const struct trace_message *nth(const struct trace_call *t, const struct wanted *w, bool out,
                                       uint32_t n, uint32_t from)
{
    for (uint32_t i = from; i < t->count; i++)
        if (t->message[i].out == out && !t->message[i].repeated && is_wanted(w, &t->message[i]) &&
            --n == 0)
            return &t->message[i];
    return NULL;
}

static uint64_t invite_us(const struct trace_call *t)
{
    return t->count ? t->message[0].at_us : 0;
}

static double seconds_of(const struct trace_call *t, const struct trace_message *m)
{
    return (double)(m->at_us - invite_us(t)) / 1e6;
}

/* "; came: 100, 180, 486" */
static void tell_messages(const struct trace_call *t, bool out, luaL_Buffer *b)
{
    char name[NAME_CAP], item[NAME_CAP + 16];
    uint32_t shown = 0;

    luaL_addstring(b, out ? "; sent: " : "; came: ");
    for (uint32_t i = 0; i < t->count; i++) {
        if (t->message[i].out != out || t->message[i].repeated)
            continue;
        if (shown++ == SHOWN) {
            luaL_addstring(b, ", …");
            return;
        }
        snprintf(item, sizeof item, "%s%s", shown > 1 ? ", " : "",
                 trace_name(&t->message[i], name, sizeof name));
        luaL_addstring(b, item);
    }
    if (shown == 0)
        luaL_addstring(b, "nothing");
}

static int unmet(lua_State *L, const struct trace_call *t, bool out, const char *sentence)
{
    luaL_Buffer b;

    lua_pushboolean(L, false);
    luaL_buffinit(L, &b);
    luaL_addstring(&b, sentence);
    tell_messages(t, out, &b);
    luaL_pushresult(&b);
    return 2;
}

/* ---- messages ---- */

static const char *const got_options[] = {"within", "after", "count", "sent", NULL};

/* Looks once; pushes the answer and returns its size, or 0: it may still come. */
static int got_look(lua_State *L, struct flow *f, bool last)
{
    const struct trace_call *t = trace_of(L, f);
    struct wanted w, after;
    uint32_t from = 0;
    uint64_t since = invite_us(t);
    char sentence[240];

    read_wanted(L, 2, &w);
    bool out = opt_bool(L, 3, "sent", false);
    uint32_t count = (uint32_t)opt_number(L, 3, "count", 1, 1, TRACE_MESSAGES_MAX);
    double within = opt_number(L, 3, "within", 0, 0, DAY_S);
    if (lua_istable(L, 3) && lua_getfield(L, 3, "after") != LUA_TNIL) {
        read_wanted(L, lua_gettop(L), &after);
        const struct trace_message *a = nth(t, &after, false, 1, 0);
        const struct trace_message *b = nth(t, &after, true, 1, 0);
        if (!a || (b && b < a))
            a = b;
        if (!a) {
            snprintf(sentence, sizeof sentence, "%s did not come, so %s could not come after it",
                     after.text, w.text);
            return last ? unmet(L, t, out, sentence) : 0;
        }
        since = a->at_us;
        from = (uint32_t)(a - t->message) + 1;
    }
    const struct trace_message *m = nth(t, &w, out, count, from);
    if (!m && !last)
        return 0;
    if (m && (within == 0 || (double)(m->at_us - since) <= within * 1e6)) {
        lua_pushboolean(L, true);
        lua_pushnumber(L, seconds_of(t, m));
        return 2;
    }
    if (m)
        snprintf(sentence, sizeof sentence, "%s was %s after %.3f s, expected within %.3f s",
                 w.text, out ? "sent" : "received", (double)(m->at_us - since) / 1e6, within);
    else if (count > 1)
        snprintf(sentence, sizeof sentence, "%s was not %s %u times", w.text,
                 out ? "sent" : "received", count);
    else
        snprintf(sentence, sizeof sentence, "%s was not %s%s", w.text, out ? "sent" : "received",
                 within > 0 ? " in time" : "");
    return unmet(L, t, out, sentence);
}

static int got_k(lua_State *L, int status, lua_KContext ctx)
{
    struct flow *f = flow_of(L);
    bool last = f->ended || verb_age_ms(f) >= f->at.first_s * 1000;

    (void)status;
    if (f->doom != DOOM_HANGUP)
        verb_check(L, f);
    lua_settop(L, 3);
    int n = got_look(L, f, last);
    if (n) {
        verb_done(f);
        return n;
    }
    verb_limit(f, LOOK_S);
    return verb_wait(L, ctx, got_k);
}

/*@sim call:got(message [, { within = s, after = message, count = 1, sent = false }])
 * Whether a SIP message came: a method ("BYE"), a response to the INVITE (180, "4xx"), or to
 * another request ("200 BYE"). `within` waits for it, so many seconds since the INVITE or since the
 * message `after`; `count`: it came at least so often (retransmissions do not count); `sent`: of
 * the messages this side sent. Returns true and its time since the INVITE; or false and which
 * messages came. Works after the call's end, too.
 */
static int verb_got(lua_State *L)
{
    struct flow *f = verb_flow(L);
    struct wanted w;

    opt_only(L, 3, got_options);
    lua_settop(L, 3);
    read_wanted(L, 2, &w);
    double within = opt_number(L, 3, "within", 0, 0, DAY_S);
    if (f->over || f->ended || within == 0)
        return got_look(L, f, true);
    memset(&f->at, 0, sizeof f->at);
    f->at.first_s = within;
    if (lua_istable(L, 3) && lua_getfield(L, 3, "after") != LUA_TNIL)
        f->at.first_s += verb_age_ms(f) / 1000.0; /* it may have come just now */
    return got_k(L, LUA_OK, 0);
}

/* The last final response to the INVITE. */
static const struct trace_message *final_of(const struct trace_call *t)
{
    for (uint32_t i = t->count; i > 0; i--)
        if (t->message[i - 1].method == SIP_INVITE && t->message[i - 1].status >= 200)
            return &t->message[i - 1];
    return NULL;
}

/*@sim call:got_code(code)
 * Whether the INVITE's final response is this: 486, "4xx". Returns true and the code; or false and
 * what came instead. After call:wait_hangup or call:wait_answer.
 */
static int verb_got_code(lua_State *L)
{
    struct flow *f = verb_flow(L);
    const struct trace_call *t = trace_of(L, f);
    const struct trace_message *m = final_of(t);
    struct wanted w;
    char sentence[160];

    read_wanted(L, 2, &w);
    luaL_argcheck(L, w.lo >= 200, 2, "a final code is from 200 to 699");
    if (m && is_wanted(&w, m)) {
        lua_pushboolean(L, true);
        lua_pushinteger(L, m->status);
        return 2;
    }
    if (m)
        snprintf(sentence, sizeof sentence, "the final code is %u, expected %s", m->status, w.text);
    else
        snprintf(sentence, sizeof sentence, "there is no final code yet, expected %s", w.text);
    return unmet(L, t, m ? m->out : !t->outgoing, sentence);
}

/* ---- headers ---- */

static const struct trace_message *message_arg(lua_State *L, const struct trace_call *t,
                                               struct wanted *w)
{
    read_wanted(L, 2, w);
    const struct trace_message *m = nth(t, w, false, 1, 0);
    return m ? m : nth(t, w, true, 1, 0);
}

/*@sim call:message_header(message, header)
 * A header's value in the first such message of the call (as for call:got), or nil. The full name
 * of the header, in any case.
 */
static int verb_message_header(lua_State *L)
{
    struct flow *f = verb_flow(L);
    const struct trace_call *t = trace_of(L, f);
    struct wanted w;
    const struct trace_message *m = message_arg(L, t, &w);
    struct slice value = m ? trace_header(t, m, luaL_checkstring(L, 3)) : SLICE_NONE;

    if (!value.p)
        return 0;
    lua_pushlstring(L, value.p, value.len);
    return 1;
}

/*@sim call:got_header(message, header, text)
 * Whether that header of the first such message has this text in it: `check(call:got_header(
 * "INVITE", "P-Asserted-Identity", "+12025550100"))`. Returns true and the value; or false and what
 * it has.
 */
static int verb_got_header(lua_State *L)
{
    struct flow *f = verb_flow(L);
    const struct trace_call *t = trace_of(L, f);
    struct wanted w;
    const struct trace_message *m = message_arg(L, t, &w);
    const char *header = luaL_checkstring(L, 3);
    size_t len;
    const char *text = luaL_checklstring(L, 4, &len);
    char sentence[512];

    if (!m) {
        snprintf(sentence, sizeof sentence, "there is no %s to have a %.60s", w.text, header);
        return unmet(L, t, false, sentence);
    }
    struct slice value = trace_header(t, m, header);
    bool has = value.p && (len == 0 || memmem(value.p, value.len, text, len));
    lua_pushboolean(L, has);
    if (has) {
        lua_pushlstring(L, value.p, value.len);
        return 2;
    }
    if (value.p)
        snprintf(sentence, sizeof sentence, "%.60s of the %s is '%.*s', expected '%.100s' in it",
                 header, w.text, value.len < 200 ? (int)value.len : 200, value.p, text);
    else
        snprintf(sentence, sizeof sentence, "the %s has no %.60s, expected '%.100s' in it", w.text,
                 header, text);
    lua_pushstring(L, sentence);
    return 2;
}

/*@sim call:messages()
 * The call's messages so far, a list of { name, at (seconds since the INVITE), sent, code (of a
 * response), repeated }.
 */
static int verb_messages(lua_State *L)
{
    struct flow *f = verb_flow(L);
    const struct trace_call *t = trace_of(L, f);
    char name[NAME_CAP];

    lua_createtable(L, (int)t->count, 0);
    for (uint32_t i = 0; i < t->count; i++) {
        const struct trace_message *m = &t->message[i];
        lua_createtable(L, 0, 5);
        lua_pushstring(L, trace_name(m, name, sizeof name));
        lua_setfield(L, -2, "name");
        lua_pushnumber(L, seconds_of(t, m));
        lua_setfield(L, -2, "at");
        lua_pushboolean(L, m->out);
        lua_setfield(L, -2, "sent");
        lua_pushboolean(L, m->repeated);
        lua_setfield(L, -2, "repeated");
        if (m->status) {
            lua_pushinteger(L, m->status);
            lua_setfield(L, -2, "code");
        }
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

const struct verb verbs_expect[] = {
    {"got", verb_got, VERB_SIM},
    {"got_code", verb_got_code, VERB_SIM},
    {"got_header", verb_got_header, VERB_SIM},
    {"message_header", verb_message_header, VERB_SIM},
    {"messages", verb_messages, VERB_SIM},
    {NULL, NULL, VERB_SIM},
};
