using Npgsql;
using NpgsqlTypes;

namespace Weir.Brokers.Postgres.Lanes;

/// <summary>Builds the commands of a lane, which are prepared once and given other values for each batch.</summary>
internal static class Statement
{
    /// <summary>Adds a parameter whose value is set later; returns it.</summary>
    public static NpgsqlParameter<T> Add<T>(this NpgsqlBatchCommand command, NpgsqlDbType type, T value)
    {
        NpgsqlParameter<T> parameter = new() { NpgsqlDbType = type, TypedValue = value };
        command.Parameters.Add(parameter);
        return parameter;
    }
}
