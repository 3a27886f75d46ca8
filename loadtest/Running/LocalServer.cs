using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Weir.LoadTest.Client;
using Weir.LoadTest.Measuring;

namespace Weir.LoadTest.Running;

/// <summary>A server on this machine: one that runs already, or one that is started, killed and started again here.</summary>
internal sealed class LocalServer : IDisposable
{
    private const int LastLines = 20;

    // Below are those of well-known services.
    private const int FirstPort = 10_000;
    private const int PortsPerProcess = 8;

    private static readonly TimeSpan _startLimit = TimeSpan.FromSeconds(90);

    private static int _lastPort;

    private readonly string[] _command;
    private readonly int _port;
    private readonly Queue<string> _output = new();
    private Process? _child;
    private ServerProcess? _process;
    private TimeSpan _cpu;

    private LocalServer(string[] command, int port)
    {
        _command = command;
        _port = port;
    }

    /// <summary>Whether it can be started again.</summary>
    public bool IsOurs => _command.Length > 0;

    public bool HasEnded => _process is null || _process.HasEnded;

    public long ResidentBytes => _process?.ResidentBytes ?? 0;

    public long MostResidentBytes => _process?.MostResidentBytes ?? 0;

    public int ProcessId => _process?.Id ?? 0;

    public int Port => _port;

    /// <summary>Of the process that ended last.</summary>
    public int? ExitCode => _child is { HasExited: true } ? _child.ExitCode : null;

    /// <summary>One that runs already.</summary>
    public static LocalServer Running(int processId)
    {
        ServerProcess process = new(processId);
        return new LocalServer([], 0) { _process = process, _cpu = process.CpuTime };
    }

    /// <summary>One that is still to be started.</summary>
    /// <param name="command">Its words; <c>{port}</c> stands for the port.</param>
    /// <param name="port">0: a <see cref="FreePort"/>.</param>
    public static LocalServer Of(string command, int port)
    {
        int known = port > 0 ? port : FreePort();
        return new([.. SplitWords(command).Select(word => word.Replace("{port}", $"{known}", StringComparison.Ordinal))], known);
    }

    /// <summary>
    /// A port without a listener. None of those that the system assigns to clients and to port 0: until the server is up it could
    /// have gone to a client, or to another server, which would be used as ours. And another one in each process.
    /// </summary>
    public static int FreePort()
    {
        int ports = FirstEphemeralPort() - FirstPort;
        while (true)
        {
            int port = FirstPort + (int)(((Environment.ProcessId * PortsPerProcess) + (uint)Interlocked.Increment(ref _lastPort)) % ports);
            using TcpListener listener = new(IPAddress.Loopback, port);
            try
            {
                listener.Start();
                return port;
            }
            catch (SocketException error) when (error.SocketErrorCode == SocketError.AddressAlreadyInUse)
            {
                // The next one.
            }
        }
    }

    /// <summary>Returns when its port accepts.</summary>
    /// <exception cref="InvalidOperationException">It does not come up; with its output. Or its port is taken.</exception>
    public async Task StartAsync()
    {
        if (await AcceptsAsync())
        {
            throw new InvalidOperationException(
                $"Port {_port} is taken: somebody accepts connections there already. Name another in --url, or none.");
        }

        _child?.Dispose();
        _child = new Process
        {
            StartInfo = new ProcessStartInfo(_command[0], _command[1..]) { RedirectStandardOutput = true, RedirectStandardError = true },
        };
        _child.OutputDataReceived += (_, line) => Keep(line.Data);
        _child.ErrorDataReceived += (_, line) => Keep(line.Data);
        _child.Start();
        _child.BeginOutputReadLine();
        _child.BeginErrorReadLine();
        _process = new ServerProcess(_child.Id);
        _cpu = default;
        long began = Stopwatch.GetTimestamp();
        using PeriodicTimer pause = new(TimeSpan.FromMilliseconds(50));
        while (!await AcceptsAsync())
        {
            if (_child.HasExited || Stopwatch.GetElapsedTime(began) > _startLimit)
            {
                throw new InvalidOperationException($"The server did not come up: {string.Join(' ', _command)}\n{Output()}");
            }

            await pause.WaitForNextTickAsync();
        }
    }

    /// <summary>Processor time since the last call.</summary>
    public TimeSpan TakeCpuTime()
    {
        TimeSpan now = _process?.CpuTime ?? default;
        TimeSpan used = now - _cpu;
        _cpu = now;
        return used > TimeSpan.Zero ? used : TimeSpan.Zero; // a process that has ended has no times
    }

    /// <summary>SIGKILL: the server sends no close frames.</summary>
    /// <exception cref="InvalidOperationException">It has ended by itself; with its output.</exception>
    public void Kill() => Signal(Libc.SIGKILL);

    /// <summary>SIGTERM: it should drain.</summary>
    /// <inheritdoc cref="Kill" path="/exception"/>
    public void Terminate() => Signal(Libc.SIGTERM);

    /// <summary>Waits for the end of one that is ours.</summary>
    /// <returns>Its exit code.</returns>
    public async Task<int> ExitAsync()
    {
        await _child!.WaitForExitAsync();
        return _child.ExitCode;
    }

    public void Dispose()
    {
        if (_child is { HasExited: false })
        {
            _child.Kill();
            _child.WaitForExit();
        }

        _child?.Dispose();
    }

    public string Output()
    {
        lock (_output)
        {
            return string.Join('\n', _output);
        }
    }

    // As a shell does, but for variables and the like.
    internal static IEnumerable<string> SplitWords(string command)
    {
        for (int i = 0; i < command.Length;)
        {
            char quote = command[i] is '"' or '\'' ? command[i] : ' ';
            int start = quote == ' ' ? i : i + 1;
            int end = command.IndexOf(quote, start) is >= 0 and var found ? found : command.Length;
            if (end > start)
            {
                yield return command[start..end];
            }

            i = end + 1;
        }
    }

    private void Signal(int signal)
    {
        if (HasEnded)
        {
            throw new InvalidOperationException($"The server has ended by itself, with {(ExitCode is { } code ? $"{code}" : "an unknown code")}: {string.Join(' ', _command)}\n{Output()}");
        }

        _process!.Signal(signal);
    }

    private static int FirstEphemeralPort()
    {
        const string Range = "/proc/sys/net/ipv4/ip_local_port_range";
        string first = File.ReadAllText(Range).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)[0];
        int port = int.Parse(first, CultureInfo.InvariantCulture);
        return port > FirstPort + PortsPerProcess ? port : IPEndPoint.MaxPort;
    }

    private async Task<bool> AcceptsAsync()
    {
        using Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(IPAddress.Loopback, _port);
            return !Equals(socket.LocalEndPoint, socket.RemoteEndPoint); // a socket may reach itself where no listener is
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private void Keep(string? line)
    {
        lock (_output)
        {
            if (line is not null)
            {
                _output.Enqueue(line);
                while (_output.Count > LastLines)
                {
                    _output.Dequeue();
                }
            }
        }
    }
}
