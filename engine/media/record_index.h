/* The index of a recording, PATH.index: JSON lines. The first tells what the recording is:
 *   {"peal_recording":1,"audio":"x.wav","format":"wav","channels":2,"owner":…,"call_id":…,
 *    "opened":"2026-…Z","opened_ms":…,"keep_until_ms":…}
 * then events in the order in which they became known, each with its offset from the first sample
 * (below zero: before it; events have the clock of the decisions, to a millisecond):
 *   {"at_ms":0,"event":"start","started_ms":…}   {"at_ms":2140,"event":"verdict","detail":"human"}
 * and at the end {"at_ms":61240,"event":"end","lost_bytes":0}, which a crash leaves out.
 * Of the archive's thread. */
#ifndef PEAL_MEDIA_RECORD_INDEX_H
#define PEAL_MEDIA_RECORD_INDEX_H

#include "io/file.h"
#include "media/record.h"

#define RECORD_INDEX_SUFFIX   ".index"
#define RECORD_INDEX_PENDING  32 /* events before the first block */
#define RECORD_INDEX_TEXT_MAX 64

struct record_index;

enum err record_index_open(struct record_index **out, struct loop *l,
                           const struct media_record *how, uint64_t wall_ms);
/* The first block: from now on offsets are known. */
void record_index_start(struct record_index *x, uint64_t start_us, uint64_t wall_ms);
void record_index_event(struct record_index *x, uint64_t at_us, const char *event,
                        const char *detail);
/* Returns the file that is being closed. x is gone. */
struct file *record_index_close(struct record_index *x, uint64_t blocks, uint64_t lost_bytes,
                                file_closed_fn *closed, void *arg);

#endif
