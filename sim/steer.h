/* Steering a run while it goes on, by keys on the terminal and by HTTP on loopback:
 *
 *   space, p   hold, go on                 POST /pause, POST /resume
 *   + -        a quarter faster, slower    POST /rate?x=2 (times the plan's own)
 *   =          the plan's own rate         POST /rate?x=1
 *   s          say how it stands           GET /status
 *   q          end: calls are told to      POST /stop
 *
 * Whoever runs gives functions for what is asked; answers are JSON. The terminal is given back as
 * it was. Control thread only. */
#ifndef PEAL_SIM_STEER_H
#define PEAL_SIM_STEER_H

#include "base/json.h"
#include "io/loop.h"

struct steer;

struct steer_handler {
    /* x times the plan's own rate, or held. */
    void (*tempo)(void *arg, double x, bool paused);
    void (*stop)(void *arg);
    void (*status)(void *arg, struct json *j); /* members of an open object */
};

struct steer_config {
    const char *address; /* "127.0.0.1:8070", port 0: any; NULL: no HTTP */
    bool keys;           /* read standard input: a terminal key by key, else byte by byte */
    const struct steer_handler *handler;
    void *arg;
};

/* ERR_INVALID, ERR_IO: error (160 bytes) has a sentence. *out NULL when nothing was asked for. */
enum err steer_open(struct steer **out, struct loop *l, const struct steer_config *config,
                    char *error);
void steer_close(struct steer *s);               /* NULL is fine */
const char *steer_listen(const struct steer *s); /* with the real port; NULL: no HTTP */
/* What is told at the next look, when somebody else steered. */
void steer_note(struct steer *s, double x, bool paused);

#endif
