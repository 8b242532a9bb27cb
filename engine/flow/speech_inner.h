/* What the two sides of speech share: speech.c (the loop's) and speech_thread.c. */
#ifndef PEAL_FLOW_SPEECH_INNER_H
#define PEAL_FLOW_SPEECH_INNER_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/list.h"
#include "base/ring.h"
#include "flow/speech.h"

struct waiter;

struct speech_key {
    unsigned char bytes[16]; /* two hashes over command, language, text and form */
};

/* Whose turn it is owns it: the loop, or from `asked` to `done` a thread. Waiters and node are
 * always the loop's. */
struct speech_job {
    struct list_node node;
    struct waiter *waiters;
    struct speech_key key;
    char lang[8], text[SPEECH_TEXT_MAX + 1];
    bool part;
    bool wanted; /* somebody asked for it, or else it is spoken ahead */
    bool given;  /* to a thread */
    /* The thread's answer. */
    enum err err;
    char why[SPEECH_WHY_MAX];
    bool from_folder;
    int16_t *pcm; /* 8 kHz; malloc'ed */
    uint32_t samples;
};

/* What all threads have in common; theirs to read. */
struct speech_shared {
    char command[256], folder[256]; /* folder "": nothing is kept */
    uint64_t folder_bytes;
    int up; /* eventfd: something is done */
    _Atomic bool stop;
};

/* One job at a time: which comes next is decided when it is done. */
struct speech_worker {
    struct speech_shared *shared;
    pthread_t thread;
    struct ring_spsc asked, done; /* of struct speech_job * */
    int down;                     /* eventfd: something was asked */
    bool busy;                    /* the loop's */
};

void *speech_thread(void *worker);

#endif
