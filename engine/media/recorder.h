/* Recording of one leg: blocks of both sides into a WAV file through the worker's ring. Writing
 * copies into the file's bounded queue and returns; a slow or full disk loses blocks, counted by
 * the file, and never delays a tick. The header is written with the true length at the end. */
#ifndef PEAL_MEDIA_RECORDER_H
#define PEAL_MEDIA_RECORDER_H

#include "io/file.h"

#define RECORDER_BLOCK     160
#define RECORDER_BYTES_MAX UINT32_C(0x7fff0000) /* of audio; 18 h in stereo. Then it stops */

struct recorder {
    struct file *file; /* NULL: not recording */
    bool stereo;
    uint32_t bytes;         /* of audio that the file took */
    uint64_t refused_bytes; /* beyond RECORDER_BYTES_MAX */
};

enum err recorder_open(struct recorder *r, struct loop *l, const char *path, bool stereo);
/* left: far side, right: ours; each RECORDER_BLOCK samples, or NULL for silence. */
void recorder_block(struct recorder *r, const int16_t *left, const int16_t *right);
/* Ends it; closed(arg, result) follows when all is written. r is free for another recording, its
 * length in seconds is the result here. */
double recorder_close(struct recorder *r, file_closed_fn *closed, void *arg);

#endif
