using FastEndpoints;
using Profiles.Data;

namespace Profiles.Features.GetUser;

sealed class GetUserMapper : ResponseMapper<GetUserResponse, UserProfile>
{
    public override GetUserResponse FromEntity(UserProfile e) => new(e.Name, e.Username!, e.Bio, e.Image?.Url, null);
}
