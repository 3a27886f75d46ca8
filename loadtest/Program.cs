using System.CommandLine;
using Weir.LoadTest.Steady;

RootCommand root = new("Loads a WebSocket server from one thread of this machine, says what it saw, and judges it by its exit code.")
{
    SteadyCommand.Create(),
};
return root.Parse(args).Invoke();
