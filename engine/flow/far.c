/* Legs that scripts dial: made, watched, and let go of. */
#include "flow/far.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#define NUMBER_MAX 40

static void far_free(struct far *far)
{
    if (far->flow)
        far->flow->far = NULL;
    list_remove(&far->node);
    free(far);
}

static void on_ended(struct far *far, const struct call_event *e)
{
    const struct flow_host *host = far->rt->host;
    struct flow *f = far->flow;

    far->ended = true;
    far->code = e->code;
    if (host->leg_over)
        host->leg_over(host->arg, far->token, far->call);
    if (!f) {
        call_release(far->call);
        far_free(far);
        return;
    }
    flow_wake(f); /* the verb under way reads how it ended, and lets go */
}

static void on_far(void *arg, struct call *c, const struct call_event *e)
{
    struct far *far = arg;

    (void)c;
    switch (e->kind) {
    case CALL_EV_ANSWERED:
        far->answered = true;
        call_detect(far->call, DSP_OFF);
        break;
    case CALL_EV_ENDED:
        on_ended(far, e);
        return;
    case CALL_EV_PROGRESS:
    case CALL_EV_MEDIA:
    case CALL_EV_HEARD:
    case CALL_EV_DTMF:
    case CALL_EV_PLAYED:
    case CALL_EV_RECORDED:
    case CALL_EV_HOLD:
    case CALL_EV_REFER:
    case CALL_EV_REFERRED:
    case CALL_EV_NOTIFIED:
    case CALL_EV_BRIDGED:
        break;
    }
    if (far->flow)
        flow_wake(far->flow);
}

/* A number as it may be keyed or stored: nothing that would mean something in a URI. */
static bool is_number(const char *s)
{
    size_t len = strlen(s);

    return len > 0 && len < NUMBER_MAX &&
           strspn(s + (*s == '+'), "0123456789*#") == len - (*s == '+') && len > (*s == '+');
}

static void uri_of(lua_State *L, const struct flow_host *host, const struct far_dial *dial,
                   struct call_dial *out, char *uri, size_t cap)
{
    char text[ADDR_TEXT_MAX];
    size_t len = strlen(dial->to);

    if (strncmp(dial->to, "sip:", 4) == 0) {
        if (len >= cap || strpbrk(dial->to, "<>\"\r\n \t"))
            luaL_error(L, "'%.60s' cannot be dialled: it is no SIP address", dial->to);
        snprintf(uri, cap, "%s", dial->to);
        return;
    }
    if (!is_number(dial->to))
        luaL_error(L, "'%.60s' cannot be dialled: a number has digits, * and #, after a + perhaps",
                   dial->to);
    if (!addr_is_set(&host->trunk))
        flow_fail(L, "call:dial: there is no trunk to dial numbers by");
    addr_format(&host->trunk, text, sizeof text);
    /* '#' cannot stand in a URI as it is. */
    size_t n = (size_t)snprintf(uri, cap, "sip:");
    for (const char *p = dial->to; *p && n + 4 < cap; p++)
        n += (size_t)snprintf(uri + n, cap - n, *p == '#' ? "%%23" : "%c", *p);
    snprintf(uri + n, cap - n, "@%s", text);
    out->via = host->trunk;
    out->tcp = host->trunk_tcp;
    out->tls = host->trunk_tls;
    out->srtp = host->trunk_srtp;
    out->codecs = host->trunk_codecs.n ? &host->trunk_codecs : NULL;
    out->auth_user = host->trunk_user;
    out->auth_password = host->trunk_password;
}

enum err far_dial(lua_State *L, struct flow *f, const struct far_dial *dial)
{
    const struct flow_host *host = f->rt->host;
    char uri[256], asserted[128];
    struct call_dial out = {
        .to_uri = uri,
        .from_user = dial->shown,
        .from_display = dial->name,
        .asserted = asserted,
        .ring_timeout_ms = dial->ring_ms,
        .alike = f->call, /* as a rule they will be bridged */
    };

    if (!is_number(dial->shown))
        luaL_error(L, "caller is '%.60s': a number is shown", dial->shown);
    uri_of(L, host, dial, &out, uri, sizeof uri);
    snprintf(asserted, sizeof asserted, "sip:%s@%s", dial->shown,
             call_env_host(call_env_of(f->call)));
    struct far *far = calloc(1, sizeof *far);
    if (!far)
        return ERR_NOMEM;
    far->rt = f->rt;
    far->flow = f;
    list_node_init(&far->node);
    if (host->leg_begins) {
        far->token = host->leg_begins(host->arg, f, dial->to, dial->shown);
        if (!far->token) {
            free(far);
            return ERR_FULL;
        }
    }
    enum err e = call_dial(call_env_of(f->call), &out, on_far, far, &far->call);
    if (e != OK) {
        if (host->leg_over)
            host->leg_over(host->arg, far->token, NULL);
        free(far);
        return e;
    }
    list_push_back(&f->rt->fars, &far->node);
    f->far = far;
    return OK;
}

void far_let_go(struct flow *f)
{
    struct far *far = f->far;

    if (!far)
        return;
    f->far = NULL;
    far->flow = NULL;
    if (!far->ended) {
        call_hangup(far->call, 0); /* on_ended follows, with the record */
        return;
    }
    call_release(far->call);
    far_free(far);
}

void far_close_all(struct flow_runtime *rt)
{
    list_each(n, next, &rt->fars)
    {
        struct far *far = container_of(n, struct far, node);

        call_set_handler(far->call, NULL, NULL);
        far_free(far);
    }
}

const char *far_result(const struct far *far)
{
    return result_name(result_decide(call_record_of(far->call)));
}
