/* An answer from outside (the store, an HTTP server, the synthesiser) to the call that waits for
 * it. What it points to is valid during the callback only. */
#ifndef PEAL_FLOW_ANSWER_H
#define PEAL_FLOW_ANSWER_H

#include "base/slice.h"

enum flow_answer_kind { ANSWER_NOTHING, ANSWER_TEXT, ANSWER_NUMBER, ANSWER_LIST };

struct flow_answer {
    /* OK; ERR_CLOSED: not connected, or the connection was lost and whether it was done is not
     * known; ERR_TIMEOUT; ERR_INVALID: the value is of another kind; ERR_TOO_LONG; ERR_REFUSED;
     * ERR_IO. */
    enum err err;
    const char *why; /* a sentence, when err is not OK; may be NULL */
    enum flow_answer_kind kind;
    struct slice text;
    int64_t number; /* ANSWER_NUMBER; HTTP: the status */
    const struct slice *items;
    uint32_t count;
};
typedef void flow_answer_fn(void *arg, const struct flow_answer *answer);

#endif
