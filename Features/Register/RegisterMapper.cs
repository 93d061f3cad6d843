using FastEndpoints;
using Profiles.Data;

namespace Profiles.Features.Register;

sealed class RegisterMapper : Mapper<RegisterRequest, RegisterResponse, User>
{
    /// <summary>Returns the new user without a password hash.</summary>
    public override User ToEntity(RegisterRequest r) => new()
    {
        Email = r.Email.Trim(),
        NormalizedEmail = User.Normalize(r.Email),
        Profile = new() { Name = r.Name!.Trim() },
    };

    /// <summary>Gives a guest the name, if there is one.</summary>
    public override User UpdateEntity(RegisterRequest r, User e)
    {
        e.Profile.Name = r.Name?.Trim() ?? e.Profile.Name;
        return e;
    }

    public override RegisterResponse FromEntity(User e) => new(e.Id, "User registered successfully");
}
