using System.Net.Sockets;
using Weir.LoadTest.Client;

namespace Weir.LoadTest.Suite;

/// <summary>A client that reads until its connection ends, and can reconnect: to the next server, where there are several.</summary>
internal sealed class ReturningClient : IAsyncDisposable
{
    private readonly IReadOnlyList<SuiteTarget> _targets;
    private SuiteConnection _connection;
    private int _target;

    private ReturningClient(IReadOnlyList<SuiteTarget> targets, int target, SuiteConnection connection)
    {
        _targets = targets;
        _target = target;
        _connection = connection;
        End = ReadAsync(connection);
    }

    /// <summary>How the connection ended; not completed while it is open.</summary>
    public Task<ConnectionEnd> End { get; private set; }

    /// <param name="number">By which it has its first server: they take turns.</param>
    public static async Task<ReturningClient> OpenAsync(IReadOnlyList<SuiteTarget> targets, int number)
    {
        int target = number % targets.Count;
        return new ReturningClient(targets, target, await OpenAsync(targets[target]));
    }

    /// <summary>Tries until it is connected again.</summary>
    /// <returns>False: not within the limit.</returns>
    public async Task<bool> TryReturnAsync(Backoff backoff, TimeSpan limit)
    {
        await _connection.DisposeAsync();
        using CancellationTokenSource giveUp = new(limit, TimeProvider.System);
        for (int failures = 0; ; failures++)
        {
            _target = (_target + 1) % _targets.Count;
            try
            {
                await Task.Delay(backoff.After(failures), TimeProvider.System, giveUp.Token);
                _connection = await OpenAsync(_targets[_target]).WaitAsync(giveUp.Token);
                End = ReadAsync(_connection);
                return true;
            }
            catch (Exception error) when (error is IOException or SocketException)
            {
                // The server is down, or drains and accepts no client.
            }
            catch (OperationCanceledException)
            {
                return false;
            }
        }
    }

    public ValueTask DisposeAsync() => _connection.DisposeAsync();

    private static Task<SuiteConnection> OpenAsync(SuiteTarget target) => SuiteConnection.OpenAsync(target, "idle");

    private static async Task<ConnectionEnd> ReadAsync(SuiteConnection connection)
    {
        while (await connection.TryReceiveMessageAsync())
        {
        }

        return connection.End!.Value;
    }
}
