/* What programs/channels.ts, spawn.ts and pool.ts do, by MPI. Rank 0 prints one number.
 *
 *   mpi r <count> <bytes>      round trips of two ranks: the median, in microseconds
 *   mpi a <count> <bytes>      arrays from one rank to another: MB a second
 *   mpi c <count> <under way>  calls of rank 0 on all others: thousands a second
 *   mpi s <count>              processes, one after the other: ms from start to first answer
 */

#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int rank, ranks;

static int by_size(const void *a, const void *b) {
  double difference = *(const double *)a - *(const double *)b;
  return (difference > 0) - (difference < 0);
}

static double median(double *times, int count) {
  qsort(times, count, sizeof *times, by_size);
  return times[count / 2];
}

static void round_trips(int count, int bytes) {
  char *value = calloc(bytes, 1);
  double *times = calloc(count, sizeof *times);
  for (int trip = 0; trip < count; trip++) {
    double start = MPI_Wtime();
    if (rank == 0) MPI_Send(value, bytes, MPI_BYTE, 1, 0, MPI_COMM_WORLD);
    MPI_Recv(value, bytes, MPI_BYTE, 1 - rank, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    if (rank == 1) MPI_Send(value, bytes, MPI_BYTE, 0, 0, MPI_COMM_WORLD);
    times[trip] = MPI_Wtime() - start;
  }
  if (rank == 0) printf("%f\n", median(times, count) * 1e6);
}

static void arrays(int count, int bytes) {
  char *value = calloc(bytes, 1), done = 0;
  double start = MPI_Wtime();
  for (int sent = 0; sent < count; sent++) {
    if (rank == 0) MPI_Send(value, bytes, MPI_BYTE, 1, 0, MPI_COMM_WORLD);
    else MPI_Recv(value, bytes, MPI_BYTE, 0, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  }
  if (rank == 1) MPI_Send(&done, 1, MPI_BYTE, 0, 0, MPI_COMM_WORLD);
  else {
    MPI_Recv(&done, 1, MPI_BYTE, 1, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    printf("%f\n", (double)count * bytes / 1e6 / (MPI_Wtime() - start));
  }
}

/* A worker answers each pair of numbers with their sum, until it gets one that is no call. */
static void work(void) {
  int numbers[2];
  for (;;) {
    MPI_Recv(numbers, 2, MPI_INT, 0, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    if (numbers[0] < 0) return;
    int sum = numbers[0] + numbers[1];
    MPI_Send(&sum, 1, MPI_INT, 0, 0, MPI_COMM_WORLD);
  }
}

static void call(int number, int worker) {
  int numbers[2] = {number, 1};
  MPI_Send(numbers, 2, MPI_INT, worker, 0, MPI_COMM_WORLD);
}

static void calls(int count, int under_way) {
  if (rank > 0) return work();
  double start = MPI_Wtime(), sums = 0;
  int made = 0;
  for (; made < under_way; made++) call(made, 1 + made % (ranks - 1));
  for (int done = 0; done < count; done++) {
    int sum;
    MPI_Status status;
    MPI_Recv(&sum, 1, MPI_INT, MPI_ANY_SOURCE, 0, MPI_COMM_WORLD, &status);
    sums += sum;
    if (made < count) call(made++, status.MPI_SOURCE); /* the one that has just done one */
  }
  double seconds = MPI_Wtime() - start;
  if (sums != (double)count * (count + 1) / 2) MPI_Abort(MPI_COMM_WORLD, 1);
  for (int worker = 1; worker < ranks; worker++) call(-1, worker);
  printf("%f\n", count / seconds / 1e3);
}

static void spawns(int count, char *self) {
  double *times = calloc(count, sizeof *times);
  char answer[16], *arguments[] = {"answer", NULL};
  for (int child = 0; child < count; child++) {
    MPI_Comm children;
    double start = MPI_Wtime();
    MPI_Comm_spawn(self, arguments, 1, MPI_INFO_NULL, 0, MPI_COMM_SELF, &children,
                   MPI_ERRCODES_IGNORE);
    MPI_Recv(answer, sizeof answer, MPI_BYTE, 0, 0, children, MPI_STATUS_IGNORE);
    times[child] = MPI_Wtime() - start;
    MPI_Comm_disconnect(&children);
  }
  printf("%f\n", median(times, count) * 1e3);
}

static void answer(void) {
  MPI_Comm parent;
  char value[16] = {0};
  MPI_Comm_get_parent(&parent);
  MPI_Send(value, sizeof value, MPI_BYTE, 0, 0, parent);
  MPI_Comm_disconnect(&parent);
}

int main(int argc, char **argv) {
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  int count = argc > 2 ? atoi(argv[2]) : 0, size = argc > 3 ? atoi(argv[3]) : 0;
  char kind = argc > 1 ? argv[1][0] : ' ';
  if (argc > 1 && strcmp(argv[1], "answer") == 0) {
    answer();
  } else {
    MPI_Barrier(MPI_COMM_WORLD);
    if (kind == 'r') round_trips(count, size);
    else if (kind == 'a') arrays(count, size);
    else if (kind == 'c') calls(count, size);
    else if (kind == 's') spawns(count, argv[0]);
    else return 2;
  }
  MPI_Finalize();
  return 0;
}
