/* The way of a recording's audio from the media worker that has it to the thread that writes it: a
 * ring of blocks of 20 ms, both channels of one slot in one block, so they can never shift against
 * each other. One producer (the worker that has the leg), one consumer (the archive's thread).
 *
 * Made by the control thread. Armed, it only remembers the latest prebuffer: nobody reads it and
 * the oldest block is written over. Live, it is read; when the reader is behind by all of the ring,
 * blocks are refused and counted, and the worker goes on at once. The tape belongs to no worker: a
 * leg takes it along when it moves, as the rings between threads order what either worker did. */
#ifndef PEAL_MEDIA_TAPE_H
#define PEAL_MEDIA_TAPE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "media/record.h"
#include "media/seal.h"

struct archive;
struct recorder;

#define TAPE_BLOCK     160
#define TAPE_BLOCK_US  20000
#define TAPE_SLACK     64 /* blocks that the writing thread may be late by: 1.28 s */
#define TAPE_OWNER_MAX 64
#define TAPE_ID_MAX    160

struct recorder_result {
    enum err err; /* OK, or what first went wrong */
    int sys_errno;
    double seconds;      /* of the file */
    uint64_t lost_bytes; /* of audio as the file would have held it, and what the disk refused */
    uint64_t written;    /* bytes of both files */
};

struct tape_block {
    uint64_t slot_us; /* of the steady clock: says where a block belongs, also when some are gone */
    bool masked;
    int16_t left[TAPE_BLOCK], right[TAPE_BLOCK]; /* far side, ours */
};

struct tape {
    struct tape_block *block;
    uint32_t capacity;  /* blocks */
    uint32_t prebuffer; /* blocks */

    /* Worker, until it lets go. */
    bool masked;
    _Atomic uint32_t written; /* blocks, ever */
    _Atomic uint64_t lost;    /* blocks refused */
    _Atomic bool live, ended;

    /* Reader. */
    _Atomic uint32_t read;

    /* Given by the control thread before the reader gets the tape. */
    uint32_t leg, generation;
    struct media_record how; /* its texts and its key are the ones here */
    char path[RECORD_PATH_MAX], owner[TAPE_OWNER_MAX], call_id[TAPE_ID_MAX];
    struct seal_key key;
    struct list_node node;     /* of the control thread's, once it is with the archive */
    struct archive *archive;   /* the same */
    struct list_node open;     /* of the archive's thread */
    struct recorder *recorder; /* the archive's thread */
    bool closing;
    struct recorder_result result;
};

/* Copies how it is to be written. ERR_TOO_LONG: path. */
enum err tape_describe(struct tape *t, const struct media_record *how);
/* prebuffer_ms: RECORD_PREBUFFER_MAX_MS at most. NULL: no memory. */
struct tape *tape_open(uint32_t prebuffer_ms);
void tape_close(struct tape *t); /* NULL is harmless */

/* Worker. left, right: TAPE_BLOCK samples, NULL for silence. */
void tape_put(struct tape *t, uint64_t slot_us, const int16_t *left, const int16_t *right);
void tape_go_live(struct tape *t);
void tape_end(struct tape *t); /* no block comes any more */

/* Reader. NULL: nothing now. The block stays until tape_taken. */
const struct tape_block *tape_next(const struct tape *t);
void tape_taken(struct tape *t);
uint32_t tape_waiting(const struct tape *t);
/* Ended, and everything of it read. */
bool tape_is_over(const struct tape *t);

#endif
