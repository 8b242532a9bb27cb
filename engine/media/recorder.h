/* One recording on the thread that writes it: blocks of a tape into a WAV or Ogg Opus file, and the
 * index beside it, PATH.index: a line of JSON for what the recording is, one for each event with
 * its offset, one for the end.
 *
 * The file's time is the line's: a block stands where its slot says, so what was lost on the way or
 * left out by a worker that was behind is silence, and both channels stay together. A disk that
 * fails ends the file there; one that is slow costs what io/file.h has no room for, which is
 * silence as well. A crash leaves what was written: WAV says that its length is not known until the
 * end, Ogg gets a page a second, sealed files a chunk a second. */
#ifndef PEAL_MEDIA_RECORDER_H
#define PEAL_MEDIA_RECORDER_H

#include "io/file.h"
#include "media/tape.h"

#define RECORDER_BYTES_MAX UINT32_C(0x7fff0000) /* of audio in a WAV file; 18 h in stereo */

struct recorder;

typedef void recorder_closed_fn(void *arg, const struct recorder_result *r);

/* how, its texts and key: live as long as the recorder. ERR_NOMEM, ERR_INVALID, ERR_IO. */
enum err recorder_open(struct recorder **out, struct loop *l, const struct media_record *how);
void recorder_block(struct recorder *r, const struct tape_block *b);
/* event: a word; detail "": none. at_us: steady clock, as slots. */
void recorder_mark(struct recorder *r, uint64_t at_us, const char *event, const char *detail);
void recorder_complexity(struct recorder *r, int complexity); /* of Opus, 0…10 */
/* lost: blocks that never came. closed follows when all is written; r is gone then. */
void recorder_close(struct recorder *r, uint64_t lost, recorder_closed_fn *closed, void *arg);
/* After recorder_close: a disk that does not answer is not waited for. */
void recorder_abandon(struct recorder *r);

#endif
