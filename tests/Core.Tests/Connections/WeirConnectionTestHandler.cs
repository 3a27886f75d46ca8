using System.Text;
using Weir.Closing;
using Weir.Connections;
using Weir.Handshake;

namespace Weir.Core.Tests.Connections;

/// <summary>Records the calls in their order and runs the test's code in each; fails a test in which two overlap.</summary>
internal sealed class WeirConnectionTestHandler : WeirHandler
{
    private readonly Lock _lock = new();
    private readonly List<string> _calls = [];
    private readonly List<WeirClosure> _closures = [];
    private readonly Dictionary<WeirConnection, bool> _inside = [];

    public Func<UpgradeRequest, ValueTask<UpgradeDecision>> OnUpgrade { get; set; } = static _ => new(UpgradeDecision.Accept);

    public Func<WeirConnection, ValueTask> OnOpened { get; set; } = static _ => default;

    public Func<WeirConnection, WeirMessage, ValueTask> OnMessage { get; set; } = static (_, _) => default;

    public Func<WeirConnection, WeirFragment, ValueTask> OnFragment { get; set; } = static (_, _) => default;

    public Func<WeirConnection, WeirClosure, ValueTask> OnClosed { get; set; } = static (_, _) => default;

    /// <summary>The connection opened last.</summary>
    public WeirConnection Connection { get; private set; } = null!;

    /// <summary>"upgrade", "opened", the text of each message, "closed".</summary>
    public IReadOnlyList<string> Calls
    {
        get
        {
            lock (_lock)
            {
                return [.. _calls];
            }
        }
    }

    public IReadOnlyList<WeirClosure> Closures
    {
        get
        {
            lock (_lock)
            {
                return [.. _closures];
            }
        }
    }

    public override ValueTask<UpgradeDecision> OnUpgradeAsync(UpgradeRequest request)
    {
        Note("upgrade");
        return OnUpgrade(request);
    }

    public override ValueTask OnOpenedAsync(WeirConnection connection)
    {
        Connection = connection;
        return CallAsync(connection, "opened", () => OnOpened(connection));
    }

    public override ValueTask OnMessageAsync(WeirConnection connection, WeirMessage message)
        => CallAsync(connection, Encoding.UTF8.GetString(message.Payload), () => OnMessage(connection, message));

    public override ValueTask OnFragmentAsync(WeirConnection connection, WeirFragment fragment) => CallAsync(
        connection,
        $"{(fragment.IsFirst ? "[" : "")}{Encoding.UTF8.GetString(fragment.Payload)}{(fragment.IsLast ? "]" : "")}",
        () => OnFragment(connection, fragment));

    public override ValueTask OnClosedAsync(WeirConnection connection, WeirClosure closure)
    {
        lock (_lock)
        {
            _closures.Add(closure);
        }

        return CallAsync(connection, "closed", () => OnClosed(connection, closure));
    }

    // Synchronous as far as the test's own code is, exceptions included.
    private ValueTask CallAsync(WeirConnection connection, string call, Func<ValueTask> run)
    {
        Note(call);
        Enter(connection);
        ValueTask running;
        try
        {
            running = run();
        }
        catch
        {
            Leave(connection);
            throw;
        }

        if (running.IsCompletedSuccessfully)
        {
            Leave(connection);
            return default;
        }

        return AwaitAsync();

        async ValueTask AwaitAsync()
        {
            try
            {
                await running;
            }
            finally
            {
                Leave(connection);
            }
        }
    }

    private void Note(string call)
    {
        lock (_lock)
        {
            _calls.Add(call);
        }
    }

    private void Enter(WeirConnection connection)
    {
        lock (_lock)
        {
            if (!_inside.TryAdd(connection, true))
            {
                _calls.Add("OVERLAP");
            }
        }
    }

    private void Leave(WeirConnection connection)
    {
        lock (_lock)
        {
            _inside.Remove(connection);
        }
    }
}
