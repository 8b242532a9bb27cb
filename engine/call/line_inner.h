/* What calls keep of a modelled line (call/line.h). Private to the room. */
#ifndef PEAL_CALL_LINE_INNER_H
#define PEAL_CALL_LINE_INNER_H

#include "call/internal.h"
#include "call/line.h"

struct line_sound {
    uint32_t ms, cookie;
    bool endless;
};

struct line {
    struct call *call;
    void *own; /* of the model */
    bool up;   /* until call_line_end */
    struct line *peer;
    struct timer playing, stopped, meeting;
    struct line_sound queue[LEG_QUEUE_MAX];
    uint32_t queued;
    uint32_t cancelled[LEG_QUEUE_MAX], cancelled_count; /* cookies to be told */
};

enum err line_open(struct call_env *env, const struct call_line *line);
void line_close(struct call_env *env);
enum err line_new(struct call *c);
void line_free(struct call *c);
void line_dialled(struct call *c, const struct call_dial *dial);
void line_hung_up(struct call *c);
enum err line_play(struct line *k, uint32_t ms, bool endless, uint32_t cookie);
void line_stop_playing(struct line *k);
enum err line_bridge(struct line *a, struct line *b);
void line_unbridge(struct line *k);

#endif
