using Weir.Host;
using Weir.Host.Commands;

// The server's settings are not parsed here: they have arbitrary names, and arbitrary words as values.
return CommandLine.IsMeantBy(args) ? await CommandLine.RunAsync(args) : await Server.RunAsync(args);
