using System.Threading.Channels;
using Npgsql;
using Weir.Brokers.Postgres.Calls;

namespace Weir.Brokers.Postgres.Sessions;

/// <summary>The connections for reads, each lent to one read at a time. Thread-safe.</summary>
internal sealed class ReadConnections(IReadOnlyList<NpgsqlConnection> connections)
{
    private readonly Channel<NpgsqlConnection> _free = Fill(connections);

    /// <summary>Reads when a connection is free.</summary>
    public async Task<T> RunAsync<T>(
        Func<NpgsqlConnection, CancellationToken, Task<T>> read, Action<Exception> onBroken, CancellationToken cancellationToken)
    {
        NpgsqlConnection connection = await _free.Reader.ReadAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            T result = await read(connection, cancellationToken).ConfigureAwait(false);
            _free.Writer.TryWrite(connection);
            return result;
        }
        catch (Exception error) when (PostgresFailure.IsAnswer(error))
        {
            _free.Writer.TryWrite(connection);
            throw;
        }
        catch (Exception error)
        {
            onBroken(error);
            throw;
        }
    }

    private static Channel<NpgsqlConnection> Fill(IReadOnlyList<NpgsqlConnection> connections)
    {
        Channel<NpgsqlConnection> free = Channel.CreateUnbounded<NpgsqlConnection>();
        foreach (NpgsqlConnection connection in connections)
        {
            free.Writer.TryWrite(connection);
        }

        return free;
    }
}
