using Weir.Host;
using Weir.Host.Commands;

// The server's settings are not parsed here: they are arguments of any name, and their values may be any word.
return CommandLine.IsMeantBy(args) ? await CommandLine.RunAsync(args) : await Server.RunAsync(args);
