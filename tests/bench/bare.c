/*
 * bare -- what SQLite itself takes for the same: a plain table of bars, one a row, clustered by
 * symbol, resolution and time.
 *
 *     bare write FILE ROWS     one prepared INSERT a row in one transaction; prints rows a second
 *     bare read FILE           all bars of one symbol, each column read; prints ms, best and median
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RUNS 9
#define COLUMNS 6

static double now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void must(sqlite3 *db, int rc)
{
    if (rc == SQLITE_OK || rc == SQLITE_DONE || rc == SQLITE_ROW)
        return;
    fprintf(stderr, "bare: %s\n", sqlite3_errmsg(db));
    exit(1);
}

static void fill(sqlite3 *db, int rows)
{
    double begin = now_ms();
    sqlite3_stmt *st;

    must(db, sqlite3_exec(db,
                          "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
                          "CREATE TABLE bars(symbol INTEGER, resolution INTEGER, t INTEGER,"
                          " open INTEGER, high INTEGER, low INTEGER, close INTEGER,"
                          " volume INTEGER, PRIMARY KEY(symbol, resolution, t)) WITHOUT ROWID;"
                          "BEGIN",
                          NULL, NULL, NULL));
    must(db, sqlite3_prepare_v2(db, "INSERT INTO bars VALUES(1, 60, ?1, ?2, ?3, ?4, ?5, ?6)", -1,
                                &st, NULL));
    for (int i = 0; i < rows; i++) {
        int open = 18900 + i % 577;
        const int values[COLUMNS] = {1700000000 + i * 60,   open, open + 12, open - 9, open + 3,
                                     100 + i * 7919 % 60000};

        for (int k = 0; k < COLUMNS; k++)
            sqlite3_bind_int64(st, k + 1, values[k]);
        must(db, sqlite3_step(st));
        sqlite3_reset(st);
    }
    must(db, sqlite3_exec(db, "COMMIT; PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL, NULL));
    sqlite3_finalize(st);
    printf("%.0f\n", rows / (now_ms() - begin) * 1e3);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void read_all(sqlite3 *db)
{
    double times[RUNS];
    sqlite3_stmt *st;
    long long sum = 0;

    must(db, sqlite3_prepare_v2(db,
                                "SELECT t, open, high, low, close, volume FROM bars WHERE symbol = "
                                "1 AND resolution = 60 AND t >= 0 AND t < 9999999999 ORDER BY t",
                                -1, &st, NULL));
    for (int run = 0; run < RUNS; run++) {
        times[run] = now_ms();
        while (sqlite3_step(st) == SQLITE_ROW)
            for (int k = 0; k < COLUMNS; k++)
                sum += sqlite3_column_int64(st, k);
        sqlite3_reset(st);
        times[run] = now_ms() - times[run];
    }
    sqlite3_finalize(st);
    qsort(times, RUNS, sizeof(*times), by_value);
    printf("%.2f %.2f %lld\n", times[0], times[RUNS / 2], sum % 10);
}

int main(int argc, char **argv)
{
    sqlite3 *db;

    if (argc < 3 || sqlite3_open(argv[2], &db) != SQLITE_OK)
        return 2;
    if (strcmp(argv[1], "write") == 0 && argc == 4)
        fill(db, (int)strtol(argv[3], NULL, 10));
    else
        read_all(db);
    sqlite3_close(db);
    return 0;
}
