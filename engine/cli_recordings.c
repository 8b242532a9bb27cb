/* `peal recordings`: what lies in the recordings' folder, what happened when in each, encrypted
 * ones made into files that players know, and those removed whose time is over. */
#include "cli.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "report/kept.h"

#define FILES_MAX 100000
#define PATH_CAP  1200

static const char help[] =
    "usage: peal recordings list [DIR] [--key FILE]... [--key-command CMD]\n"
    "       peal recordings show FILE... [--key FILE]... [--key-command CMD]\n"
    "       peal recordings decrypt FILE... --key FILE|--key-command CMD [--to DIR]\n"
    "       peal recordings sweep [DIR] [--apply]\n"
    "\n"
    "list says of each recording in DIR (data/recordings) when it began, how long it is, what it "
    "is\n"
    "and whether it is whole. show prints the events of its index with their offsets in seconds:\n"
    "answer, verdict, agent, keys, masked spans.\n"
    "\n"
    "decrypt writes x.wav.sealed as x.wav, and its index beside. It says which parts are damaged "
    "or\n"
    "cut off and writes all that is whole; what is lost of a WAV file is silence. Exit code 1 "
    "when\n"
    "anything was lost, or a file could not be decrypted.\n"
    "\n"
    "sweep counts the recordings whose time (keep_days of the campaign or the numbers file that\n"
    "recorded them) is over; with --apply they are removed. peal retain removes by age instead.\n"
    "\n"
    "  --key FILE         32 bytes or 64 hexadecimal digits; several: the one whose id the file "
    "names\n"
    "  --key-command CMD  prints the key\n"
    "  --to DIR           where decrypted files go; default: beside the encrypted ones\n"
    "  --apply            remove them; without it, nothing is touched\n"
    "\n"
    "examples:\n"
    "  peal recordings list data/recordings\n"
    "  peal recordings show data/recordings/lead-7-1-1790000000000.wav\n"
    "  peal recordings decrypt data/recordings/*.sealed --key rec.key --to /media/audit\n"
    "  peal recordings sweep data/recordings --apply\n";

struct arguments {
    const char *verb, *to;
    const char **file;
    int files;
    bool apply;
    struct kept_keys keys;
};

/* ---- arguments ---- */

static bool add_key(struct arguments *a, const char *from, bool command)
{
    char error[SEAL_ERROR_MAX] = "";
    struct seal_key *k = &a->keys.key[a->keys.count];

    if (a->keys.count == KEPT_KEYS_MAX) {
        fprintf(stderr, "peal recordings: more than %d keys\n", KEPT_KEYS_MAX);
        return false;
    }
    if ((command ? seal_key_command(k, from, error) : seal_key_file(k, from, error)) != OK) {
        fprintf(stderr, "peal recordings: %s\n", error);
        return false;
    }
    a->keys.count++;
    return true;
}

static int read_arguments(int argc, char **argv, struct arguments *a)
{
    for (int i = 1; i < argc; i++) {
        bool key = strcmp(argv[i], "--key") == 0, command = strcmp(argv[i], "--key-command") == 0;

        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            fputs(help, stdout);
            return EXIT_DONE;
        }
        if (key || command || strcmp(argv[i], "--to") == 0) {
            if (i + 1 == argc)
                return cli_missing("recordings", argv[i]);
            if (!key && !command)
                a->to = argv[++i];
            else if (!add_key(a, argv[++i], command))
                return EXIT_USAGE;
        } else if (strcmp(argv[i], "--apply") == 0) {
            a->apply = true;
        } else if (argv[i][0] == '-' && argv[i][1]) {
            return cli_unknown("recordings", argv[i]);
        } else if (!a->verb) {
            a->verb = argv[i];
        } else {
            a->file[a->files++] = argv[i];
        }
    }
    return CLI_GO_ON;
}

/* ---- list and show ---- */

static const char *length_text(const struct kept_recording *r, char *dst, size_t cap)
{
    if (r->length_ms < 0)
        snprintf(dst, cap, "?");
    else
        snprintf(dst, cap, "%.1f s", (double)r->length_ms / 1000);
    return dst;
}

static const char *state_text(const struct kept_recording *r)
{
    if (r->locked)
        return "locked";
    if (!r->has_index)
        return "no index";
    return !r->ended ? "cut off" : r->lost_bytes ? "lost some" : "whole";
}

static void print_row(const char *name, const struct kept_recording *r)
{
    char length[32];

    printf("%-48s %-20.20s %10s %-5s %-9s %4u %-9s %s\n", name, r->opened[0] ? r->opened : "-",
           length_text(r, length, sizeof(length)), r->format[0] ? r->format : "-", state_text(r),
           r->events, r->sealed ? "encrypted" : "plain", r->key_id);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int list(const char *folder, const struct kept_keys *keys)
{
    char **name = calloc(FILES_MAX, sizeof(*name)), path[PATH_CAP], error[KEPT_ERROR_MAX];
    size_t n = 0;
    struct dirent *e;
    DIR *d = name ? opendir(folder) : NULL;
    int code = EXIT_DONE;

    if (!d) {
        fprintf(stderr, "peal recordings: %s: cannot be read (%s)\n", folder, strerror(errno));
        free(name);
        return EXIT_FAILED;
    }
    while (n < FILES_MAX && (e = readdir(d)))
        if (kept_is_recording(e->d_name) && (name[n] = strdup(e->d_name)))
            n++;
    closedir(d);
    qsort(name, n, sizeof(*name), by_name);
    printf("%-48s %-20s %10s %-5s %-9s %4s %-9s %s\n", "recording", "opened (UTC)", "length", "as",
           "state", "ev", "at rest", "key");
    for (size_t i = 0; i < n; i++) {
        struct kept_recording r;

        snprintf(path, sizeof(path), "%.800s/%.255s", folder, name[i]);
        if (kept_read(path, keys, &r, NULL, NULL, error) == OK) {
            print_row(name[i], &r);
        } else {
            fprintf(stderr, "peal recordings: %s\n", error);
            code = EXIT_FAILED;
        }
        free(name[i]);
    }
    if (n == FILES_MAX)
        fprintf(stderr, "peal recordings: only the first %d are listed\n", FILES_MAX);
    free(name);
    return code;
}

static void print_event(void *arg, int64_t at_ms, const char *event, const char *detail)
{
    (void)arg;
    printf("%11.3f  %s%s%s\n", (double)at_ms / 1000, event, detail[0] ? "  " : "", detail);
}

static int show(const struct arguments *a)
{
    int code = EXIT_DONE;

    for (int i = 0; i < a->files; i++) {
        char error[KEPT_ERROR_MAX];
        struct kept_recording r;

        printf("%s\n", a->file[i]);
        if (kept_read(a->file[i], &a->keys, &r, print_event, NULL, error) != OK) {
            fprintf(stderr, "peal recordings: %s\n", error);
            code = EXIT_FAILED;
            continue;
        }
        printf("  %s, %s%s%s", state_text(&r), r.sealed ? "encrypted with key " : "plain", r.key_id,
               r.owner[0] ? ", by " : "");
        printf("%s%s%s\n", r.owner, r.call_id[0] ? ", call " : "", r.call_id);
        if (r.locked)
            puts("  its key is not given: --key");
        code = r.locked ? EXIT_FAILED : code;
    }
    return code;
}

/* ---- decrypt ---- */

/* x.wav.sealed → x.wav, in another folder if asked for. False: it has no such name. */
static bool plain_name(const char *from, const char *folder, char *dst, size_t cap)
{
    static const char suffix[] = ".sealed";
    const char *slash = strrchr(from, '/'), *name = slash ? slash + 1 : from;
    size_t n = strlen(name), k = sizeof(suffix) - 1;
    int made;

    if (n <= k || strcmp(name + n - k, suffix) != 0)
        return false;
    if (folder)
        made = snprintf(dst, cap, "%s/%.*s", folder, (int)(n - k), name);
    else
        made = snprintf(dst, cap, "%.*s", (int)(strlen(from) - k), from);
    return made > 0 && (size_t)made < cap;
}

static bool tell_damage(const char *file, const struct seal_damage *d)
{
    if (d->damaged)
        fprintf(
            stderr,
            "peal recordings: %s: %llu of its chunks are damaged, %llu bytes are lost, the first "
            "at byte %llu; the rest was decrypted\n",
            file, (unsigned long long)d->damaged, (unsigned long long)d->lost_bytes,
            (unsigned long long)d->first_offset);
    else if (d->skipped_bytes && !d->cut_off)
        fprintf(stderr, "peal recordings: %s: %llu bytes in it are not of it; left out\n", file,
                (unsigned long long)d->skipped_bytes);
    if (d->cut_off)
        fprintf(
            stderr,
            "peal recordings: %s: it is cut off (a crash, or somebody cut it); what is there was "
            "decrypted\n",
            file);
    return !d->damaged && !d->skipped_bytes && !d->cut_off;
}

static bool decrypt_one(const char *from, const char *to, const struct kept_keys *keys)
{
    char error[KEPT_ERROR_MAX];
    struct seal_damage damage;

    if (kept_unseal(from, to, keys, &damage, error) != OK) {
        fprintf(stderr, "peal recordings: %s\n", error);
        return false;
    }
    printf("%s\n", to);
    return tell_damage(from, &damage);
}

static int decrypt(const struct arguments *a)
{
    bool whole = true;

    for (int i = 0; i < a->files; i++) {
        char to[PATH_CAP], index[PATH_CAP], index_to[PATH_CAP + 8];

        if (strlen(a->file[i]) > 6 && strcmp(a->file[i] + strlen(a->file[i]) - 6, ".index") == 0)
            continue; /* goes with its recording */
        if (!plain_name(a->file[i], a->to, to, sizeof(to))) {
            fprintf(stderr, "peal recordings: %s: its name does not end with .sealed\n",
                    a->file[i]);
            whole = false;
            continue;
        }
        whole &= decrypt_one(a->file[i], to, &a->keys);
        snprintf(index, sizeof(index), "%.1100s.index", a->file[i]);
        snprintf(index_to, sizeof(index_to), "%s.index", to);
        FILE *there = fopen(index, "re");
        if (there) {
            fclose(there);
            whole &= decrypt_one(index, index_to, &a->keys);
        }
    }
    return whole ? EXIT_DONE : EXIT_FAILED;
}

/* ---- sweep ---- */

static int sweep(const char *folder, bool apply)
{
    struct kept_sweep s = {0};
    char error[KEPT_ERROR_MAX];

    if (kept_sweep(folder, (uint64_t)time(NULL) * 1000, apply, &s, error) != OK) {
        fprintf(stderr, "peal recordings: %s\n", error);
        return EXIT_FAILED;
    }
    printf("%s %llu recordings (%.1f MB)%s\n", apply ? "removed" : "would remove",
           (unsigned long long)s.files, (double)s.bytes / 1e6, apply ? "" : "; --apply does it");
    if (s.failed)
        fprintf(stderr, "peal recordings: %llu could not be removed; may this account?\n",
                (unsigned long long)s.failed);
    return s.failed ? EXIT_FAILED : EXIT_DONE;
}

static int run_verb(const struct arguments *a)
{
    const char *folder = a->files ? a->file[0] : "data/recordings";
    bool of_folder = strcmp(a->verb, "list") == 0 || strcmp(a->verb, "sweep") == 0;

    if (of_folder && a->files > 1)
        return cli_unknown("recordings", a->file[1]);
    if (strcmp(a->verb, "list") == 0)
        return list(folder, &a->keys);
    if (strcmp(a->verb, "sweep") == 0)
        return sweep(folder, a->apply);
    if (strcmp(a->verb, "show") != 0 && strcmp(a->verb, "decrypt") != 0)
        return cli_unknown("recordings", a->verb);
    if (!a->files)
        return cli_missing("recordings", "FILE");
    if (strcmp(a->verb, "show") == 0)
        return show(a);
    if (!a->keys.count)
        return cli_missing("recordings", "--key");
    return decrypt(a);
}

int cli_recordings(int argc, char **argv)
{
    struct arguments a = {.file = calloc((size_t)argc + 1, sizeof(*a.file))};
    int code = a.file ? read_arguments(argc, argv, &a) : EXIT_FAILED;

    if (code == CLI_GO_ON && !a.verb) {
        fputs(help, stderr);
        code = EXIT_USAGE;
    }
    if (code == CLI_GO_ON)
        code = run_verb(&a);
    for (uint32_t i = 0; i < a.keys.count; i++)
        seal_key_wipe(&a.keys.key[i]);
    free(a.file);
    return code;
}
