/* What the files of the API's server share. */
#ifndef PEAL_API_INNER_H
#define PEAL_API_INNER_H

#include <pthread.h>

#include "api/api.h"
#include "base/json.h"
#include "io/http_server.h"

#define API_PARTS_MAX 2 /* of a path that are told in it */
#define API_PART_MAX  127

/* One of the campaigns, and its connection. */
struct api_place {
    const struct api_campaign *about;
    struct ask ask;
    bool was_up;
};

/* One request, being answered. */
struct api_call {
    struct api *api;
    struct http_client *to; /* NULL: has left */
    struct http_request request;
    char *text;                                 /* the request's bytes, ours */
    char part[API_PARTS_MAX][API_PART_MAX + 1]; /* {campaign}, {lead} … in the path's order */
    struct api_place *place;                    /* of {campaign} */
    bool answered;
};

struct api {
    struct api_config config;
    char address[ADDR_TEXT_MAX + 64], token[API_TOKEN_MAX + 1], redis_url[1024], engine[64];
    struct loop loop;
    struct http_server *server;
    struct api_place place[API_CAMPAIGNS_MAX];
    struct api_call *waiting; /* a ring of HTTP_SERVER_CLIENTS_MAX */
    uint32_t first, count;
    struct api_call now;
    char *out;                               /* the answer that is being made */
    uint64_t unauthorised, answered, failed; /* failed: 5xx */
    _Atomic uint64_t until_ms;               /* of the request under way */
    _Atomic uint32_t stopping;
    pthread_t thread;
    bool threaded;
};

/* ---- server.c ---- */

/* Its Redis is there; false: p->ask.error. */
bool api_place_ready(struct api *a, struct api_place *p);

/* ---- route.c ---- */

/* False: refused, and said so. */
bool api_may_ask(struct api *a, struct http_client *to, const struct http_request *r);
/* Finds the route and answers. */
void api_answer(struct api_call *c);

/* ---- answers ---- */

/* A buffer for the whole answer. */
struct buf api_out(struct api_call *c);
void api_reply(struct api_call *c, const char *status, struct buf *out);
void api_refuse(struct api_call *c, const char *status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Redis did not answer, or with an error. */
void api_redis_failed(struct api_call *c, const char *what);
/* A value of the query, "" when it is not there. False: refused. */
bool api_value(struct api_call *c, const char *name, char *dst, size_t cap);
/* "yes" or "no"; false when it is not there. */
bool api_flag(struct api_call *c, const char *name, bool *out);
/* The campaign's file. NULL: refused. */
struct campaign *api_campaign_load(struct api_call *c);

/* ---- what is asked: get.c, history.c, post.c, leads.c ---- */

extern const char *const api_history_query[], *const api_leads_query[], *const api_dnc_query[];
void api_get_campaigns(struct api_call *c);
void api_get_counts(struct api_call *c);
void api_get_status(struct api_call *c);
void api_get_lead(struct api_call *c);
void api_get_history(struct api_call *c);
void api_get_dnc(struct api_call *c);
void api_post_leads(struct api_call *c);
void api_post_lead_stop(struct api_call *c);
void api_post_pause(struct api_call *c);
void api_post_resume(struct api_call *c);
void api_post_drain(struct api_call *c);
void api_post_stop(struct api_call *c);
void api_post_reload(struct api_call *c);
void api_post_dnc(struct api_call *c);
void api_delete_dnc(struct api_call *c);

#endif
