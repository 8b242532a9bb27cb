/* Child processes (private redis-server): started, watched and stopped by process id. */
#ifndef PEAL_IO_PROCESS_H
#define PEAL_IO_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

/* argv NULL-terminated, argv[0] looked up in PATH; stdout and stderr appended to log_path (NULL:
 * inherited). The child dies with its parent (PR_SET_PDEATHSIG SIGTERM) and does not get the
 * terminal's Ctrl-C (own process group). */
enum err process_start(pid_t *out, const char *const argv[], const char *log_path);
bool process_running(pid_t pid);
/* SIGTERM, then SIGKILL after grace_ms; waits for the end. */
void process_stop(pid_t pid, unsigned grace_ms);

#endif
