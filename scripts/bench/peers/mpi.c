/* What programs/channels.ts does, by MPI between two ranks: mpi <r|a> <count> <bytes>. Prints one number. */

#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

static int by_size(const void *a, const void *b) {
  double difference = *(const double *)a - *(const double *)b;
  return (difference > 0) - (difference < 0);
}

int main(int argc, char **argv) {
  MPI_Init(&argc, &argv);
  if (argc != 4) return 2;
  int rank, count = atoi(argv[2]), bytes = atoi(argv[3]);
  char *value = calloc(bytes, 1), done = 0;
  double *times = calloc(count, sizeof *times);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Barrier(MPI_COMM_WORLD);
  if (argv[1][0] == 'r') { /* round trips: the median, in microseconds */
    for (int trip = 0; trip < count; trip++) {
      double start = MPI_Wtime();
      if (rank == 0) MPI_Send(value, bytes, MPI_BYTE, 1, 0, MPI_COMM_WORLD);
      MPI_Recv(value, bytes, MPI_BYTE, 1 - rank, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
      if (rank == 1) MPI_Send(value, bytes, MPI_BYTE, 0, 0, MPI_COMM_WORLD);
      times[trip] = MPI_Wtime() - start;
    }
    qsort(times, count, sizeof *times, by_size);
    if (rank == 0) printf("%f\n", times[count / 2] * 1e6);
  } else { /* arrays one way: MB a second */
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
  MPI_Finalize();
  return 0;
}
