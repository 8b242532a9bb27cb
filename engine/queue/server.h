/* A private redis-server for one data folder: append-only file on and synced before every answer,
 * reached over a Unix socket in the folder, nothing to set up. One engine of the folder owns it
 * (lock file); others of the same folder share it. A server left behind by an engine that crashed
 * is found and used again. Starting and stopping block (loading the append-only file of a million
 * leads takes seconds): before and after the loop runs. */
#ifndef PEAL_QUEUE_SERVER_H
#define PEAL_QUEUE_SERVER_H

#include "base/err.h"
#include "base/slice.h"

#define REDIS_SERVER_START_MS  120000 /* longest wait for loading */
#define REDIS_SERVER_STOP_MS   10000
#define REDIS_SERVER_ERROR_MAX 512

struct redis_server;

/* error (REDIS_SERVER_ERROR_MAX bytes) says what failed, where to look and what to do. The folder
 * is made when it is not there. */
enum err redis_server_open(struct redis_server **out, const char *folder, char *error);
/* The same for data that may be lost with the process: nothing is written to disk. For simulations
 * and measurements. */
enum err redis_server_open_volatile(struct redis_server **out, const char *folder, char *error);
/* Stops the server if this process owns it and nobody else uses the folder. s may be NULL. */
void redis_server_close(struct redis_server *s);

const char *redis_server_url(const struct redis_server *s); /* "unix:/…/redis.sock" */
int redis_server_pid(const struct redis_server *s);
/* Starts it again when it has died; returns at once. Called before each reconnection. */
void redis_server_revive(struct redis_server *s);

#endif
