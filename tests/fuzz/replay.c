/* Runs a fuzz target over files, for builds without libFuzzer: every crash found once is tested
 * for ever. Arguments are files and folders (their files, not hidden, in order of name). A folder
 * that is missing or empty is a failure: a corpus that went away must not pass.
 *
 * Each input ends right before a page that cannot be read, so reading one byte too many is a crash
 * in every build. With PEAL_FUZZ_PREFIXES set, each input is also run cut to every length up to
 * PREFIX_MAX. Exit: 0 all ran, 1 something could not be read, 2 no arguments. */
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define INPUT_MAX  (1u << 20)
#define PREFIX_MAX 4096u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
__attribute__((weak)) int LLVMFuzzerInitialize(int *argc, char ***argv);

static uint8_t *input_end; /* the first byte of the page that cannot be read */
static uint8_t *content;   /* the file as read */
static bool with_prefixes;
static unsigned long files_run, inputs_run;

static bool buffers_make(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uint8_t *at =
        mmap(NULL, INPUT_MAX + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (at == MAP_FAILED || mprotect(at + INPUT_MAX, page, PROT_NONE) != 0)
        return false;
    input_end = at + INPUT_MAX;
    content = malloc(INPUT_MAX);
    return content != NULL;
}

static void run_input(size_t size)
{
    if (size)
        memcpy(input_end - size, content, size);
    LLVMFuzzerTestOneInput(input_end - size, size);
    inputs_run++;
}

static bool run_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    size_t size;
    bool bad;

    if (!f) {
        fprintf(stderr, "replay: cannot open %s: %s\n", path, strerror(errno));
        return false;
    }
    size = fread(content, 1, INPUT_MAX, f);
    bad = ferror(f) || fgetc(f) != EOF;
    fclose(f);
    if (bad) {
        fprintf(stderr, "replay: %s cannot be read or is larger than %u bytes\n", path, INPUT_MAX);
        return false;
    }
    /* Named before the run: after a crash this line tells which input it was. */
    if (getenv("PEAL_FUZZ_VERBOSE"))
        fprintf(stderr, "replay: %s, %zu bytes\n", path, size);
    run_input(size);
    for (size_t n = 0; with_prefixes && n < size && n <= PREFIX_MAX; n++)
        run_input(n);
    files_run++;
    return true;
}

static int not_hidden(const struct dirent *d)
{
    return d->d_name[0] != '.';
}

static bool run_folder(const char *path)
{
    struct dirent **names;
    int n = scandir(path, &names, not_hidden, alphasort);
    bool ok = n > 0;

    if (n < 0) {
        fprintf(stderr, "replay: cannot read folder %s: %s\n", path, strerror(errno));
        return false;
    }
    if (n == 0)
        fprintf(stderr, "replay: folder %s holds no inputs; put at least one file there\n", path);
    for (int i = 0; i < n; i++) {
        char file[4096];

        if ((size_t)snprintf(file, sizeof(file), "%s/%s", path, names[i]->d_name) >= sizeof(file))
            ok = false;
        else
            ok = run_file(file) && ok;
        free(names[i]);
    }
    free(names);
    return ok;
}

static bool run_path(const char *path)
{
    struct stat st;

    if (stat(path, &st) != 0) {
        fprintf(stderr, "replay: no such file or folder: %s\n", path);
        return false;
    }
    return S_ISDIR(st.st_mode) ? run_folder(path) : run_file(path);
}

int main(int argc, char **argv)
{
    bool ok = true;

    if (argc < 2) {
        fprintf(stderr, "usage: %s FILE-OR-FOLDER...\n", argv[0]);
        return 2;
    }
    if (!buffers_make()) {
        fprintf(stderr, "replay: no memory for the inputs\n");
        return 1;
    }
    with_prefixes = getenv("PEAL_FUZZ_PREFIXES") != NULL;
    if (LLVMFuzzerInitialize)
        LLVMFuzzerInitialize(&argc, &argv);
    for (int i = 1; i < argc; i++)
        ok = run_path(argv[i]) && ok;
    printf("replay: %lu inputs from %lu files\n", inputs_run, files_run);
    free(content);
    return ok ? 0 : 1;
}
