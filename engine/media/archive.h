/* The thread that writes recordings, so that neither coding, encryption nor a disk ever costs a
 * media worker time: workers put blocks on tapes (media/tape.h), this thread looks at every open
 * tape each ARCHIVE_POLL_MS and needs no word from them.
 *
 * It is not in real time. When it has more to code than time, Opus gets cheaper step by step; when
 * that is not enough, tapes run full, and what they refuse is lost, counted, and silence in the
 * file. The functions here are the control thread's. */
#ifndef PEAL_MEDIA_ARCHIVE_H
#define PEAL_MEDIA_ARCHIVE_H

#include "io/loop.h"
#include "media/recorder.h"

#define ARCHIVE_POLL_MS    40
#define ARCHIVE_QUIT_MS    5000 /* for the disk, when everything ends */
#define ARCHIVE_EVENT_MAX  16   /* bytes of an event's name and of its detail */
#define ARCHIVE_DETAIL_MAX 48

struct archive;

/* control: is woken when a recording has ended. tapes: open at once. */
enum err archive_open(struct archive **out, struct loop *control, uint32_t tapes);
/* Ends every recording, gives the disk ARCHIVE_QUIT_MS and joins; frees the tapes that it still
 * has. No worker may have one any more. NULL is harmless. */
void archive_close(struct archive *a);

bool archive_has_room(const struct archive *a); /* for another tape */
/* Writes what is on the tape, described before, as it comes until it ends. There is room for it.
 * From now on the tape is the archive's: it comes back by archive_ended. */
void archive_take(struct archive *a, struct tape *t);
/* For the tape's index. Dropped and counted when too much waits. */
void archive_mark(struct archive *a, struct tape *t, uint64_t at_us, const char *event,
                  const char *detail);
/* The next recording that is over, NULL: none. The tape is the caller's to read, and to give to
 * archive_free once. */
struct tape *archive_ended(struct archive *a, struct recorder_result *result);
void archive_free(struct archive *a, struct tape *t);
uint32_t archive_load(const struct archive *a); /* tapes that it has */

struct archive_metrics {
    uint64_t recordings, failed;  /* ended; of them not whole */
    uint64_t blocks, lost_blocks; /* of 20 ms, written and refused by full tapes */
    uint64_t written_bytes, lost_bytes;
    uint64_t marks_dropped, cpu_us;
    uint32_t open;
    uint32_t complexity; /* of Opus, as the thread's load permits just now */
};
void archive_metrics(const struct archive *a, struct archive_metrics *out); /* adds to *out */

#endif
