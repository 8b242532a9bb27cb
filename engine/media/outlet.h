/* Where the bytes of a recording go: into a file as they are, or sealed (media/seal.h) in chunks.
 * Never waits; what the disk cannot take is refused, see io/file.h. Of one loop's thread. */
#ifndef PEAL_MEDIA_OUTLET_H
#define PEAL_MEDIA_OUTLET_H

#include "io/file.h"
#include "media/seal.h"

struct outlet {
    struct file *file;
    struct seal_writer *seal; /* NULL: plain */
    uint32_t waiting;         /* bytes of the chunk under way */
    uint64_t failed_bytes;    /* could not be encrypted */
    uint8_t *chunk, *sealed;  /* SEAL_CHUNK_MAX, with its overhead */
};

/* key NULL: plain. ERR_NOMEM, ERR_IO (no random bytes); what the disk says comes with the end. */
enum err outlet_open(struct outlet *o, struct loop *l, const char *path, const struct seal_key *key,
                     uint64_t created_ms, uint64_t keep_until_ms);
/* ERR_FULL: refused now, counted as lost by the file; others: nothing will be written any more. */
enum err outlet_write(struct outlet *o, const void *p, size_t n);
/* Whether a plain file has room for n bytes now; a sealed one always takes them, see outlet.c. */
bool outlet_has_room(const struct outlet *o, size_t n);
/* What was written so far shall survive a crash of the program. */
void outlet_flush(struct outlet *o);
/* Bytes at the front, at the end; of a plain file only. */
void outlet_patch(struct outlet *o, const void *p, size_t n);
void outlet_close(struct outlet *o, file_closed_fn *closed, void *arg);

#endif
