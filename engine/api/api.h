/* The HTTP API of one Redis' campaigns (docs/API.md): leads and why they are not called, status,
 * history, orders, do-not-call lists. It answers with the JSON of the commands of the same name,
 * made by the same functions.
 *
 * All of it happens on one thread with a loop of its own and its own connections to Redis, one
 * request after the other, in the order in which they came to be whole: calls never wait for it.
 * Requests are bounded by io/http_server.h; a request has API_REQUEST_MS of Redis' time.
 *
 * On loopback no token is needed: then pages in a browser are kept out (requests with an Origin, or
 * with a Host that is a name, are refused). With a token every request carries it
 * ("Authorization: Bearer TOKEN"); it is compared in a time that does not tell it, and neither
 * logged nor shown. */
#ifndef PEAL_API_API_H
#define PEAL_API_API_H

#include "api/view.h"

#define API_CAMPAIGNS_MAX 16
#define API_TOKEN_MIN     16
#define API_TOKEN_MAX     255
#define API_BODY_MAX      (1024u * 1024)
#define API_REQUEST_MS    20000
#define API_ERROR_MAX     512

struct api_campaign {
    char name[CAMPAIGN_NAME_MAX];
    char path[CAMPAIGN_PATH_MAX];     /* its file, read anew by each request */
    char data_dir[CAMPAIGN_PATH_MAX]; /* with its call records */
};

struct api_config {
    const char *address; /* "127.0.0.1:8080" */
    const char *token;   /* NULL: none, and loopback only */
    const char *redis_url;
    struct api_campaign campaign[API_CAMPAIGNS_MAX];
    uint32_t campaign_count;
};

struct api;

/* Listens, and begins to reach for Redis; may be used on another thread from then on. error
 * (API_ERROR_MAX) has a sentence. */
enum err api_open(struct api **out, const struct api_config *config, char *error);
/* Serves on a thread of its own until api_close. */
enum err api_start(struct api *a);
/* Serves here until api_stop. */
void api_run(struct api *a);
void api_stop(struct api *a); /* from any thread or a signal handler */
/* Lets a request that is being answered be answered, for a second at most. a may be NULL. */
void api_close(struct api *a);
const char *api_listen(const struct api *a); /* with the real port */

/* The token of a file's first line, or of the environment (PEAL_API_TOKEN, which is taken out of
 * it); *found false: neither. ERR_INVALID with a sentence. */
enum err api_token(const char *path, char token[API_TOKEN_MAX + 1], bool *found, char *error);

/* What is served, for GET /v1 and for docs/API.md. */
struct api_route_about {
    const char *method, *path, *summary;
    const char *const *query; /* names, until NULL */
};
uint32_t api_routes(const struct api_route_about **out);

#endif
