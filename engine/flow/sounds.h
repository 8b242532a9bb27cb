/* The sound files scripts may play: what lies under one folder, found once at the start, in order
 * of name, so that a draw of "the third of human/" is the same everywhere. A file is loaded when it
 * is first played, or all at once (preload), and then stays. Control thread only. */
#ifndef PEAL_FLOW_SOUNDS_H
#define PEAL_FLOW_SOUNDS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "media/sound.h"

#define SOUNDS_MAX       8192
#define SOUNDS_DEPTH_MAX 3
#define SOUNDS_PATH_MAX  192

struct sounds;

/* ERR_NOT_FOUND: root is no folder. Files beyond SOUNDS_MAX are left out, said in the log. */
enum err sounds_open(struct sounds **out, struct sound_cache *cache, const char *root,
                     bool preload);
void sounds_close(struct sounds *s);
uint32_t sounds_count(const struct sounds *s);

/* path relative to the root ("human/001.wav"). ERR_NOT_FOUND, or what loading said; message
 * (SOUND_ERROR_MAX) tells. The sound is the folder's: valid until sounds_close. */
enum err sounds_get(struct sounds *s, const char *path, const struct sound **out, char *message);
bool sounds_has(const struct sounds *s, const char *path);

/* The files directly in a folder: how many, and the n-th's path. */
uint32_t sounds_folder_count(const struct sounds *s, const char *folder);
const char *sounds_folder_at(const struct sounds *s, const char *folder, uint32_t n);

#endif
