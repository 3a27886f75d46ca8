using Xunit.Sdk;
using Xunit.v3;

// Descriptors are counted and their limit is lowered: what belongs to the process is tested by one test at a time.
[assembly: Parallelization(Mode = ParallelMode.None)]
